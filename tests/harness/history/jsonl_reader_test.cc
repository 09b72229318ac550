#include "harness/history/jsonl_reader.h"

#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

const TrialLabel kTrialLabel = {
    .cell = "a-thread-1f0c", .scenario = "a", .runtime = "thread", .trial = 3};

std::string Golden(const std::string& file) {
  return *ReadFile(std::string(TRIREME_GOLDEN_FOLDER "/") + file);
}

std::string Printed(const TrialLabel& label, const History& history) {
  std::string text;
  PrintHistory(label, history, [&](std::string_view line) { text += line; });
  return text;
}

std::string PrintedAgain(const std::string& text) {
  std::string again;
  for (const LabelledHistory& one : ReadHistoryLines(text))
    again += Printed(one.label, one.history);
  return again;
}

TEST(HistoryLinesTest, ComeBackAsTheyWerePrinted) {
  for (const char* file : {"v1.trh", "v1-faults.trh", "v1.ring"}) {
    const std::string text = Printed(kTrialLabel, *History::Parse(Golden(file)));
    EXPECT_TRUE(IsHistoryLines(text));
    EXPECT_EQ(PrintedAgain(text), text) << file;
  }
}

TEST(HistoryLinesTest, KeepTrialsAndAttemptsApart) {
  const std::string exit = R"("t":9,"event":"exit","state":"exited","value":null})"
                           "\n";
  const std::string begin = R"("t":0,"event":"begin","value":{}})"
                            "\n";
  const std::string text = R"({"cell":"a","trial":0,)" + begin + R"({"cell":"a","trial":1,)" +
                           begin + R"({"cell":"a","trial":0,)" + exit +
                           R"({"cell":"a","trial":0,)" + begin;
  const std::vector<LabelledHistory> read = ReadHistoryLines(text);
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].label.trial, 0);
  EXPECT_EQ(read[0].history.events().size(), 2U);
  EXPECT_EQ(read[1].label.trial, 1);
  EXPECT_EQ(read[2].label.trial, 0);
  EXPECT_EQ(read[2].history.events().size(), 1U);
}

TEST(HistoryLinesTest, SayWhichLineCannotBeRead) {
  const std::string text = Printed(kTrialLabel, *History::Parse(Golden("v1.trh")));
  const std::vector<LabelledHistory> read = ReadHistoryLines(text + "{\"cell\":");
  ASSERT_EQ(read.size(), 1U);
  const size_t last = Split(text, '\n').size();
  EXPECT_EQ(read[0].history.damage(), "line " + std::to_string(last) + " is no event");
}

TEST(HistoryLinesTest, AreToldFromOtherText) {
  for (const char* text : {"", "\n\n", "hello", "{}", "[1]", R"({"event":"begin"})",
                           R"({"event":"begun","t":1})", R"({"t":1})", "TRIREME"})
    EXPECT_FALSE(IsHistoryLines(text)) << text;
  EXPECT_TRUE(IsHistoryLines("\n{\"t\":1,\"event\":\"begin\"}"));
}

TEST(HistoryLinesTest, AreReadHoweverTheyAreDamaged) {
  const std::string text = Printed(kTrialLabel, *History::Parse(Golden("v1.trh")));
  Rng rng(1);
  for (int i = 0; i < Rounds(500); ++i) {
    std::string mutated = text;
    for (uint64_t change = 0; change <= rng.Below(3); ++change)
      mutated[rng.Below(mutated.size())] = "0123456789-{}[]\":,#\ntf\xff"[rng.Below(23)];
    const std::vector<std::string> again = Split(PrintedAgain(mutated), '\n');
    EXPECT_LE(again.size(), Split(mutated, '\n').size()) << mutated;
  }
}

}  // namespace
}  // namespace trireme
