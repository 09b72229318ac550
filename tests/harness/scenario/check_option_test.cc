#include "harness/scenario/check_option.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

Vocabulary Checks() {
  Vocabulary vocabulary;
  vocabulary.checks = {
      {.name = "overlap", .arguments = {{.name = "ops", .type = "texts", .required = true}}},
      {.name = "deadline",
       .arguments = {{.name = "op", .type = "text", .required = true},
                     {.name = "within", .type = "duration", .fallback = 7}}},
      {.name = "leak",
       .arguments = {{.name = "allow", .type = "texts", .fallback = Json::array()}}}};
  vocabulary.later_checks = {"linearizable"};
  return vocabulary;
}

std::string Arguments(const std::string& text) {
  const Result<CheckChoice> choice = ParseCheckOption(text, Checks());
  return choice.ok() ? choice->name + " " + DumpJson(choice->arguments) : choice.error().Render();
}

TEST(CheckOptionTest, ReadsArgumentsByTheirTypes) {
  EXPECT_EQ(Arguments("leak"), R"(leak {"allow":[]})");
  EXPECT_EQ(Arguments("overlap:ops=sell"), R"(overlap {"ops":["sell"]})");
  EXPECT_EQ(Arguments("overlap:ops=sell,ops=a=b"), R"(overlap {"ops":["sell","a=b"]})");
  EXPECT_EQ(Arguments("deadline:op=get"), R"(deadline {"op":"get","within":7})");
  EXPECT_EQ(Arguments("deadline:within=2ms,op=get"), R"(deadline {"op":"get","within":2000000})");
}

TEST(CheckOptionTest, RejectsWhatNoCheckTakes) {
  EXPECT_EQ(Arguments("overlap"),
            "error: option --check: 'overlap': check 'overlap' needs 'ops'\n"
            "hint: for example --check overlap:ops=...\n");
  EXPECT_EQ(Arguments("overlap:op=sell"),
            "error: option --check: 'overlap:op=sell': check 'overlap' has no argument 'op'\n"
            "hint: did you mean 'ops'?\n");
  EXPECT_EQ(Arguments("deadline:op=a,op=b"),
            "error: option --check: 'deadline:op=a,op=b': 'op' is given twice\n");
  EXPECT_EQ(Arguments("deadline:op=a,within=soon"),
            "error: option --check: 'deadline:op=a,within=soon': 'within' takes a duration\n");
  EXPECT_EQ(Arguments("overlap:ops"), "error: option --check: 'overlap:ops': 'ops' takes a text\n");
}

TEST(CheckOptionTest, TellsUnknownChecksFromLaterOnes) {
  EXPECT_EQ(Arguments("ovrlap:ops=x"),
            "error: option --check: unknown check 'ovrlap'\nhint: did you mean 'overlap'?\n");
  EXPECT_EQ(Arguments("linearizable:model=cas-register").substr(0, 70),
            "error: option --check: check 'linearizable' is not available yet\nhint:");
}

}  // namespace
}  // namespace trireme
