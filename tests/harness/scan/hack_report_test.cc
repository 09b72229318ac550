#include "harness/scan/hack_report.h"

#include <gtest/gtest.h>

#include "harness/base/json.h"

namespace trireme {
namespace {

HackScan OneOfEach() {
  return {.scanned = 2,
          .findings = {{.file = "a.py",
                        .line = 3,
                        .column = 5,
                        .end_line = 3,
                        .end_column = 9,
                        .kind = FindHackKind("trampoline"),
                        .symbol = "eventlet.hubs.trampoline"}},
          .unscanned = {{.file = "b\n.py", .line = 7, .reason = "SyntaxError: what"}},
          .skipped = {"build", "env"}};
}

TEST(HacksAsTextTest, HasALineWithPlaceKindRiskAndScenario) {
  EXPECT_EQ(HacksAsText(OneOfEach()),
            "a.py:3:5: trampoline: eventlet.hubs.trampoline waits for a descriptor by its number: "
            "a second waiter raises RuntimeError here, and shares or loses the bytes on every "
            "other runtime (scenario hazards/two-readers)\n");
}

TEST(UnscannedAsTextTest, IsOneLineWhateverTheNameHolds) {
  EXPECT_EQ(UnscannedAsText(OneOfEach()), "b?.py:7: not scanned: SyntaxError: what\n");
}

TEST(SummaryOfTest, CountsAndTellsWhatWasSkipped) {
  EXPECT_EQ(SummaryOf(OneOfEach()), "1 finding in 2 files, 1 not scanned; skipped build, env\n");
  EXPECT_EQ(SummaryOf({.scanned = 1}), "0 findings in 1 file, 0 not scanned\n");
}

TEST(HacksAsJsonTest, IsOneDocument) {
  const Result<Json> document = ParseJson(HacksAsJson(OneOfEach()), "it");
  ASSERT_TRUE(document.ok());
  const Json& finding = GetMember(*document, "findings").at(0);
  EXPECT_EQ(GetString(finding, "kind"), "trampoline");
  EXPECT_EQ(GetString(finding, "scenario"), "hazards/two-readers");
  EXPECT_EQ(GetInt(finding, "column"), 5);
  EXPECT_EQ(GetString(GetMember(*document, "unscanned").at(0), "file"), "b\n.py");
}

TEST(HacksAsJsonTest, HasEmptyListsWhereNothingIs) {
  const Result<Json> document = ParseJson(HacksAsJson({}), "it");
  ASSERT_TRUE(document.ok());
  for (const char* name : {"findings", "unscanned", "skipped"})
    EXPECT_TRUE(GetMember(*document, name).is_array()) << name;
}

}  // namespace
}  // namespace trireme
