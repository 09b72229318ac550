#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::Not;

CellResult Under(CellResult cell, const std::string& plan, const std::string& effect,
                 const std::string& summary, const std::string& reason = "") {
  cell.faults = Json::array({plan});
  cell.faults_applied = {{"cut", 20}, {"reset", 3}};
  cell.under_faults = {
      {"class", effect}, {"summary", summary}, {"reason", reason}, {"trials", {{effect, 20}}}};
  cell.fault_log = {{"state", "equal"}, {"trials", {{"compared", 20}, {"equal", 20}}}};
  return cell;
}

RunResults FaultyResults() {
  RunResults results;
  const std::string name = "patterns/client";
  results.cells = {
      Under(PassingCell(name, "eventlet"), "cut-and-reset", "survived", "survived"),
      Under(PassingCell(name, "threading"), "cut-and-reset", "recovered", "recovered in 12ms"),
      Under(FailingCell(name, "asyncio", 2, "difference", "x"), "cut-and-reset", "wrong error",
            "wrong error", "'(exceptions of get)' was \"end|of-stream\""),
      Under(UnsupportedCell(name, "fiber", "no tmpfs"), "no-disk", "", ""),
      PassingCell(name, "eventlet")};
  results.cells[0].fault_log = Json();
  results.cells[2].fault_log["trials"] = {
      {"compared", 20}, {"equal", 18}, {"not_reached", 0}, {"diverged", 2}, {"different", 0}};
  results.cells[3].under_faults = results.cells[3].fault_log = Json();
  return results;
}

TEST(FaultsReportTest, ShowsWhatEachRuntimeMadeOfEachPlan) {
  EXPECT_EQ(FaultsReport(FaultyResults(), {}),
            R"(faults         scenario         eventlet/3.11  threading/3.11     asyncio/3.11  fiber
cut-and-reset  patterns/client  survived       recovered in 12ms  wrong error
no-disk        patterns/client                                                  unsupported

cut-and-reset, patterns/client on asyncio/3.11: wrong error: '(exceptions of get)' was "end|of-stream"
no-disk, patterns/client on fiber: unsupported: no tmpfs

faults applied: cut 80, reset 12
fault logs: equal in 38 of 40 trials, 2 diverged (asyncio/3.11)
)");
}

TEST(FaultsReportTest, WritesMarkdownThatNoWordOfTheResultsBreaks) {
  EXPECT_EQ(FaultsReport(FaultyResults(), {.markdown = true}),
            R"(| faults | scenario | eventlet/3.11 | threading/3.11 | asyncio/3.11 | fiber |
|---|---|---|---|---|---|
| cut-and-reset | patterns/client | survived | recovered in 12ms | wrong error |  |
| no-disk | patterns/client |  |  |  | unsupported |

- cut-and-reset, patterns/client on asyncio/3.11: wrong error: '(exceptions of get)' was "end\|of-stream"
- no-disk, patterns/client on fiber: unsupported: no tmpfs

faults applied: cut 80, reset 12

fault logs: equal in 38 of 40 trials, 2 diverged (asyncio/3.11)
)");
}

// A plan of several that did something may still have one that did nothing, in any runtime.
TEST(FaultsReportTest, NamesFaultsThatNothingReached) {
  RunResults results = FaultyResults();
  results.cells[1].fault_log["not_reached_faults"] = {{"stall", 2}, {"cut", 1}};
  EXPECT_THAT(FaultsReport(results, {}),
              HasSubstr("faults applied: cut 80, reset 12; never reached: stall\n"));
}

TEST(FaultsReportTest, TellsApartTrialsThatHadNothingToCompare) {
  RunResults results = FaultyResults();
  results.cells[2].fault_log["trials"]["nothing"] = 3;
  EXPECT_THAT(FaultsReport(results, {}),
              HasSubstr("fault logs: equal in 38 of 40 trials, 2 diverged (asyncio/3.11); nothing "
                        "to compare in 3 more trials\n"));
  for (CellResult& cell : results.cells)
    if (!cell.fault_log.is_null())
      cell.fault_log["trials"] = {{"compared", 0}, {"equal", 0}, {"nothing", 1}};
  results.cells[1].fault_log = Json();
  EXPECT_THAT(FaultsReport(results, {}), HasSubstr("fault logs: nothing to compare in 1 trial\n"));
}

RunResults TimedResults() {
  RunResults results;
  results.cells = {
      Under(PassingCell("patterns/client", "eventlet"), "pause", "survived", "survived"),
      Under(PassingCell("patterns/client", "threading"), "pause", "recovered", "recovered in 4ms")};
  results.cells[1].under_faults["notice_ms"] = {{"n", 3}, {"p50", 0.25}, {"max", 2}};
  results.cells[1].under_faults["recovery_ms"] = nullptr;
  results.cells[1].under_faults["cpu_ms"] = {{"n", 1}, {"p50", 1.5}, {"max", 1.5}};
  return results;
}

TEST(FaultsReportTest, SaysHowLongACellTookWhereThatIsKnown) {
  EXPECT_THAT(FaultsReport(TimedResults(), {}), HasSubstr(R"(
faults  scenario         runtime         noticed after       recovered after  processor time
pause   patterns/client  threading/3.11  250us, 2ms at most                   1.5ms

faults applied:)"));
  EXPECT_THAT(FaultsReport(TimedResults(), {.markdown = true}), HasSubstr(R"(
| faults | scenario | runtime | noticed after | recovered after | processor time |
|---|---|---|---|---|---|
| pause | patterns/client | threading/3.11 | 250us, 2ms at most |  | 1.5ms |

faults applied:)"));
}

TEST(FaultsReportTest, ListsThePointsOfASweep) {
  RunResults results = FaultyResults();
  const std::string note = "sweep: 2 of 2 points tried, came to 2, failed at 1: trial 2: " +
                           std::string(500, 'x');
  results.cells[2].notes = {note};
  const std::string line = "cut-and-reset, patterns/client on asyncio/3.11: " + note + "\n";
  EXPECT_THAT(FaultsReport(results, {}), HasSubstr("\n" + line));
  EXPECT_THAT(FaultsReport(results, {.markdown = true}), HasSubstr("\n- " + line));
}

TEST(FaultsReportTest, SaysThatThereWereNone) {
  EXPECT_EQ(FaultsReport(GoodResults(), {}), "no cell of this run has a fault plan\n");
}

TEST(TextReportTest, SaysInHowManyTrialsTheFaultLogsWereEqual) {
  EXPECT_THAT(TextReport(FaultyResults(), {}),
              HasSubstr("\nfaults   fault logs: equal in 38 of 40 trials"));
  EXPECT_THAT(TextReport(GoodResults(), {}), Not(HasSubstr("fault")));
}

TEST(TextReportTest, NamesTheCellsThatMetWithNoFault) {
  RunResults results = FaultyResults();
  EXPECT_THAT(TextReport(results, {}), Not(HasSubstr("none reached")));
  results.cells[1].under_faults["class"] = "not reached";
  const std::string said =
      "none reached in 1 of 3 cells, whose verdicts say nothing of a fault: patterns/client";
  EXPECT_THAT(TextReport(results, {}), HasSubstr("\nfaults   " + said));
  EXPECT_THAT(FaultsReport(results, {}), HasSubstr("\n" + said));
}

}  // namespace
}  // namespace trireme
