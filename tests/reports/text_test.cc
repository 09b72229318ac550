#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::Not;

const ReportStyle kAscii{.unicode = false};

TEST(TextReportTest, ShowsEveryStateDifferently) {
  EXPECT_EQ(TextReport(SampleResults(), kAscii),
            R"(                     eventlet/3.11  threading/3.11  fiber  asyncio/3.11
patterns/client      .              .               -
planted/lost-update  .              x 7/20
hazards/two-readers  .              X                      ?
planted/leak         !

. pass   x fail, as expected   X FAIL, unexpected   ! PASS, unexpected   ? unknown   - unsupported   blank not planned

threading differs from eventlet in 2 of 3 scenarios: hazards/two-readers, planted/lost-update
asyncio could not be compared with eventlet in 1 scenario: hazards/two-readers

cells    9 planned, 8 executed: 5 pass, 2 fail (1 as expected), 1 unknown, 1 unsupported
trials   180 planned, 160 executed: 113 pass, 27 fail, 20 unknown
verdict  fail, exit code 1
run      trireme-runs/20260102T030405Z-1f0c2a
seed     0x5eed
note     the budget of 5m was spent: not every trial was run

unsupported:
  no C++ compiler was found
    patterns/client on fiber

3 cells did not do what was expected:

  hazards/two-readers on threading/3.11: fail, expected pass
    'order' is 'b' in 20 trials, in the reference 'a' in 20
    replay: trireme run hazards/two-readers --runtimes threading --seed 0x5eed --trial 0

  hazards/two-readers on asyncio/3.11: unknown, expected pass
    no operation and no observation was recorded
    replay: trireme run hazards/two-readers --runtimes asyncio --seed 0x5eed --trial 0

  planted/leak on eventlet/3.11: pass, expected fail with leak
    no finding
    replay: trireme run planted/leak --runtimes eventlet --seed 0x5eed --trial 0
)");
}

TEST(TextReportTest, SaysWhyAFailThatWasExpectedIsNotTheExpectedOne) {
  RunResults results = GoodResults();
  CellResult cell = FailingCell("mine", "asyncio", 20, "difference", "'x' is 2");
  cell.expected = false;
  cell.reason = "outcome 'bad' in 2 of 20 trials, expected in every one; 'x' is 2";
  results.cells.push_back(cell);
  EXPECT_THAT(
      TextReport(results, kAscii),
      HasSubstr("    outcome 'bad' in 2 of 20 trials, expected in every one; 'x' is 2\n"));
  results.cells.back().expected = true;
  EXPECT_THAT(TextReport(results, kAscii), Not(HasSubstr("expected in every one")));
}

TEST(TextReportTest, ShowsWhatIsNotedOfACellThatSurprises) {
  RunResults results = GoodResults();
  results.cells.push_back(FailingCell("mine", "asyncio", 20, "difference", "'x' is 2"));
  results.cells.back().notes = {"sweep: 2 of 2 points tried, came to 2, failed at 1: trial 2"};
  results.cells.back().expected = false;
  const std::string note =
      "    note: sweep: 2 of 2 points tried, came to 2, failed at 1: trial 2\n";
  EXPECT_THAT(TextReport(results, kAscii), HasSubstr(note));
  results.cells.back().expected = true;
  EXPECT_THAT(TextReport(results, kAscii), Not(HasSubstr("note: ")));
}

TEST(TextReportTest, SaysWhatWasLeftAloneAndWhatOfThatWasOfNoUse) {
  RunResults results = GoodResults();
  results.suppressions = {
      {.kind = "leak",
       .frames = {"*"},
       .reason = "by design",
       .place = "known.yaml:1",
       .count = 20},
      {.kind = "leak", .frames = {"x"}, .reason = "gone", .place = "known.yaml:4"},
      {.kind = "leak", .frames = {"x"}, .reason = "gone", .place = "s.yaml:1", .shipped = true}};
  const std::string text = TextReport(results, kAscii);
  EXPECT_THAT(text,
              HasSubstr("note     findings suppressed in 20 trials by known.yaml:1: by design\n"
                        "note     suppression known.yaml:4: gone: nothing matched it\n"));
  EXPECT_THAT(text, Not(HasSubstr("s.yaml")));
  EXPECT_THAT(MarkdownReport(results, {}), HasSubstr("findings suppressed in 20 trials"));
}

TEST(TextReportTest, TellsInALineOfCellsThatWereNotRun) {
  RunResults results = GoodResults();
  CellResult cell = results.cells.front();
  cell.state = CellState::kUnknown;
  cell.expected = false;
  cell.trials = {.planned = 20};
  cell.reason = "20 of 20 trials not run";
  cell.replay = "trireme run it again";
  for (const char* scenario : {"late/a", "late/b", "late/c", "late/d", "late/e"}) {
    cell.scenario = scenario;
    results.cells.push_back(cell);
  }
  const std::string text = TextReport(results, kAscii);
  EXPECT_THAT(text, HasSubstr("\nnot run:\n  20 of 20 trials not run\n"
                              "    late/a on eventlet/3.11, late/b on eventlet/3.11, "
                              "late/c on eventlet/3.11 and 2 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("run it again")));
  EXPECT_THAT(text, Not(HasSubstr("what was expected")));
  const std::string page = MarkdownReport(results, {});
  EXPECT_THAT(page, HasSubstr("### Not run\n\n- 20 of 20 trials not run: 5 cells, first late/a on "
                              "eventlet/3.11\n"));
  EXPECT_THAT(page, Not(HasSubstr("run it again")));
  // One that began is told of by itself.
  results.cells.back().trials.executed = 1;
  EXPECT_THAT(TextReport(results, kAscii), HasSubstr("replay: trireme run it again"));
}

TEST(TextReportTest, SaysWhatDoesTheSameWhenNothingDiffers) {
  EXPECT_EQ(TextReport(GoodResults(), {}), R"(                 eventlet/3.11  threading/3.11
patterns/client  ✓              ✓

✓ pass

threading does the same as eventlet in 1 scenario

cells    2 planned, 2 executed: 2 pass, 0 fail, 0 unknown, 0 unsupported
trials   40 planned, 40 executed: 40 pass, 0 fail, 0 unknown
verdict  pass, exit code 0
run      trireme-runs/20260102T030405Z-1f0c2a
seed     0x5eed
)");
}

TEST(TextReportTest, CountsTheFindingsThatItDoesNotShow) {
  RunResults results = GoodResults();
  CellResult cell = FailingCell("hazards/a", "asyncio", 20, "hang", "no progress");
  results.cells.push_back(cell);
  EXPECT_EQ(TextReport(results, {}).find("more finding"), std::string::npos);
  CellFinding advisory = cell.findings.front();
  advisory.finding.advisory = true;
  cell.findings.insert(cell.findings.end(), {cell.findings.front(), advisory});
  results.cells.back() = cell;
  EXPECT_NE(TextReport(results, {}).find("no progress (and 1 more finding in results.json)\n"),
            std::string::npos);
}

TEST(TextReportTest, CutsNoReplayLine) {
  RunResults results = GoodResults();
  CellResult cell = FailingCell("hazards/a", "asyncio", 20, "hang", "no progress");
  cell.replay = "trireme run hazards/a --param 'text=" + std::string(6000, 'x') + "' --trial 0";
  results.cells.push_back(cell);
  EXPECT_THAT(TextReport(results, {}), HasSubstr("    replay: " + cell.replay + "\n"));
}

// That both passed their own checks says nothing of what they do.
TEST(TextReportTest, ClaimsNothingOfWhatWasNotCompared) {
  RunResults results = GoodResults();
  results.cells[1].comparison = Json::array();
  EXPECT_THAT(TextReport(results, kAscii),
              HasSubstr("threading was not compared with eventlet in 1 scenario: "
                        "patterns/client\n"));
  results.cells[1].comparison = {{{"key", "clock"}, {"verdict", "nondeterministic"}}};
  EXPECT_THAT(TextReport(results, kAscii), Not(HasSubstr("does the same")));
  results.cells.push_back(PassingCell("patterns/server", "eventlet"));
  results.cells.push_back(PassingCell("patterns/server", "threading"));
  EXPECT_THAT(TextReport(results, kAscii),
              HasSubstr("threading does the same as eventlet in 1 scenario; not compared in 1: "
                        "patterns/client\n"));
}

TEST(TextReportTest, NamesWhatTellsRowsApart) {
  RunResults results = GoodResults();
  results.cells[0].params = {{"rounds", 3}, {"protocol", "tcp"}};
  results.cells[1] = results.cells[0];
  results.cells[1].params["protocol"] = "unix";
  const std::string report = TextReport(results, kAscii);
  EXPECT_THAT(report, HasSubstr("patterns/client protocol=tcp   .\n"));
  EXPECT_THAT(report, HasSubstr("patterns/client protocol=unix  .\n"));
}

TEST(TextReportTest, LettersColumnsThatDoNotFit) {
  const std::string report = TextReport(GoodResults(), {.unicode = false, .columns = 30});
  EXPECT_THAT(report, HasSubstr("                 a  b\npatterns/client  .  .\n\na = "
                                "eventlet/3.11\nb = threading/3.11\n"));
}

TEST(TextReportTest, KeepsColumnsThatJustFit) {
  const std::string report = TextReport(GoodResults(), {.unicode = false, .columns = 46});
  EXPECT_THAT(report, HasSubstr("                 eventlet/3.11  threading/3.11\n"));
}

TEST(TextReportTest, StripsWhatATerminalWouldObey) {
  RunResults results = SampleResults();
  results.cells[6].findings[0].finding.message = "one\x1b]0;title\x07two\nthree\xc2\x9bm\xff";
  const std::string report = TextReport(results, kAscii);
  EXPECT_THAT(report, HasSubstr("one ]0;title two three?m\xef\xbf\xbd\n"));
  EXPECT_THAT(report, Not(HasSubstr("\x1b")));
}

TEST(TextReportTest, TellsInterpretersOfARuntimeApart) {
  RunResults results = GoodResults();
  results.cells.push_back(PassingCell("patterns/client", "threading", "3.13t"));
  const std::string report = TextReport(results, kAscii);
  EXPECT_THAT(report, HasSubstr("threading/3.11 does the same as eventlet in 1 scenario\n"
                                "threading/3.13t does the same as eventlet in 1 scenario\n"));
}

TEST(TextReportTest, CountsAScenarioThatCouldNotBeComparedAsUndecided) {
  RunResults results = GoodResults();
  results.cells[0] = UnknownCell("patterns/client", "eventlet", "too slow");
  EXPECT_THAT(
      TextReport(results, kAscii),
      HasSubstr("threading could not be compared with eventlet in 1 scenario: patterns/client\n"));
}

TEST(TextReportTest, NamesTheTestsOfACommandThatDiffer) {
  RunResults results = GoodResults();
  CellResult& cell = results.cells[1];
  cell = FailingCell("command", "threading", 20, "difference",
                     "'exit-status' was 0, never on eventlet/3.11 (1 in all)");
  cell.comparison = Json::array({{{"key", "test:t.py::a"},
                                  {"verdict", "difference"},
                                  {"here", {{"\"passed\"", 20}}},
                                  {"there", {{"\"failed\"", 20}}}},
                                 {{"key", "test:t.py::b"},
                                  {"verdict", "same"},
                                  {"here", {{"\"passed\"", 20}}},
                                  {"there", {{"\"passed\"", 20}}}},
                                 {{"key", "test:t.py::c"},
                                  {"verdict", "difference"},
                                  {"here", Json::object()},
                                  {"there", {{"\"passed\"", 20}}}}});
  EXPECT_THAT(TextReport(results, kAscii),
              HasSubstr("in 1 of 1 scenario: command (2 tests: t.py::a, t.py::c)\n"));
  EXPECT_THAT(TextReport(results, kAscii),
              HasSubstr("\ntests    1 alike, 2 differ (threading/3.11)\n"));
  EXPECT_THAT(TextReport(results, kAscii),
              HasSubstr("    2 tests differ:\n"
                        "      t.py::a: passed here, failed on eventlet/3.11\n"
                        "      t.py::c: absent here, passed on eventlet/3.11\n"
                        "    replay: "));
}

TEST(TextReportTest, SaysWhyARunBroke) {
  RunResults results = GoodResults();
  results.infrastructure_failed = true;
  results.infrastructure_reason = "cannot write trials.jsonl: No space left on device";
  EXPECT_THAT(
      TextReport(results, kAscii),
      HasSubstr(
          "verdict  unknown, exit code 3 (cannot write trials.jsonl: No space left on device)\n"));
}

TEST(TextReportTest, KeepsRowsApartWhoseNamesReadTheSame) {
  const std::string url = "http://127.0.0.1:8080/a/path/that/is/long/";
  RunResults results = GoodResults();
  results.cells.clear();
  for (const Json& value : {Json(url + "x"), Json(url + "y"), Json(1), Json("1")}) {
    for (const char* runtime : {"eventlet", "threading"}) {
      results.cells.push_back(PassingCell("mine", runtime));
      results.cells.back().params = {{"at", value}};
    }
  }
  results.cells.back() = FailingCell("mine", "threading", 20, "difference", "'x' is 2");
  results.cells.back().params = {{"at", "1"}};
  results.cells.back().expected = false;
  const std::string report = TextReport(results, kAscii);
  EXPECT_THAT(
      report,
      HasSubstr("mine at=http://127.0.0.1:8080/a/path/that/is/...     .              .\n"
                "mine at=http://127.0.0.1:8080/a/path/that/is/... #2  .              .\n"
                "mine at=1                                            .              .\n"
                "mine at=1 #2                                         .              X\n"));
  EXPECT_THAT(report, HasSubstr("  mine at=1 #2 on threading/3.11: fail"));
}

TEST(TextReportTest, IsTotalForNothing) {
  EXPECT_EQ(TextReport(RunResults(), kAscii),
            "cells    0 planned, 0 executed: 0 pass, 0 fail, 0 unknown, 0 unsupported\n"
            "trials   0 planned, 0 executed: 0 pass, 0 fail, 0 unknown\n"
            "verdict  unknown, exit code 4\n");
}

TEST(TextReportTest, ColoursOnlyWhenAsked) {
  EXPECT_THAT(TextReport(GoodResults(), {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(TextReport(GoodResults(), {.color = true}), HasSubstr("\x1b[32m\u2713\x1b[0m"));
}

}  // namespace
}  // namespace trireme
