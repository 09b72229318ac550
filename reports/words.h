#ifndef TRIREME_REPORTS_WORDS_H_
#define TRIREME_REPORTS_WORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/results.h"

namespace trireme {

// What every report says in the same words.

// "3 cells", "1 cell"
std::string Counted(int64_t count, std::string_view singular, std::string_view plural = "");

// One line of at most `limit` bytes of valid UTF-8 without control characters; cut text ends in
// "...".
std::string OneLine(std::string_view text, size_t limit = 400);

// Of what a note of a cell is shown: that of a sweep lists the points at which it failed.
inline constexpr size_t kLongestNote = 4096;

// The same with nothing in it that Markdown would take for markup.
std::string MarkdownText(std::string_view text, size_t limit = 400);

// Columns that `text` takes on a terminal: its code points. Scenario names are not East Asian
// enough to want more.
size_t DisplayWidth(std::string_view text);

// "threading/3.11"; a C++ runtime has no interpreter: "fiber".
std::string ColumnName(const CellResult& cell);

// The scenario with what tells its rows apart: "hazards/two-readers protocol=tcp", by those
// parameters that differ between cells of the scenario, the faults and the arm. Rows whose values
// read the same, as 1 and "1" do, or as long ones once they are cut, are numbered: "mine m=1 #2".
std::vector<std::string> RowNames(const std::vector<CellResult>& cells);

// Of a command, each test that did otherwise than in the reference: "tests/test_x.py::test_a:
// passed here, failed on eventlet/3.11".
std::vector<std::string> DifferingTests(const CellResult& cell);

// "fail, expected pass: two tasks waited to read one socket"
std::string StateInWords(const CellResult& cell);

// Where what a report only counts can be read.
inline constexpr const char* kRest = " in results.json";

// The first finding that is not advisory, with how many more there are, else the reason; one sentence. `rest`: kRest,
// where the report does not list those.
std::string FirstFinding(const CellResult& cell, const std::string& rest = "");

// The line that brings the cell back: as long as it is, since one that was cut would bring back something else.
std::string ReplayLine(const CellResult& cell);

bool IsDecided(const CellResult& cell);  // pass or fail

struct CellCounts {
  RunTotals totals;
  int64_t expected_fail = 0;  // cells
  TrialCounts trials;
};
CellCounts CountCells(const RunResults& results);

// What differs, a sentence for each runtime that was compared: "threading differs from eventlet in
// 2 of 41 scenarios: a, b". Those that differ come first.
std::vector<std::string> Differences(const RunResults& results);

// "fault logs: equal in 12 of 14 trials, 1 diverged, 1 different (asyncio/3.11); nothing to compare in 3 more trials"; "" where
// there were none.
std::string FaultLogsInWords(const RunResults& results);
// "none reached in 2 of 8 cells, whose verdicts say nothing of a fault: patterns/client on asyncio/3.11, ..."; "" where each
// cell with a plan met with a fault.
std::string FaultsNotReachedInWords(const RunResults& results);
// What was known and left alone, and what of it was of no use: "suppressed in 20 trials by known.yaml:2: REASON".
std::vector<std::string> SuppressionNotes(const RunResults& results);

// Cells of one reason, in order of appearance.
struct CellGroup {
  std::string reason;
  std::vector<std::string> cells;  // "patterns/client on fiber"
};
std::vector<CellGroup> UnsupportedByReason(const RunResults& results);

// Whether the run ended before the first trial of the cell: there is nothing to tell of it that is not told of the run.
bool WasNotRun(const CellResult& cell);
std::vector<CellGroup> NotRunByReason(const RunResults& results);

}  // namespace trireme

#endif  // TRIREME_REPORTS_WORDS_H_
