#include "reports/summary.h"

#include "reports/words.h"

namespace trireme {
namespace {

std::string Emphasised(const std::string& text, int color, const ReportStyle& style) {
  if (!style.color) return text;
  return "\x1b[" + std::to_string(color) + "m" + text + "\x1b[0m";
}

std::string DifferencesText(const RunResults& results) {
  std::string out;
  for (const std::string& sentence : Differences(results)) out += sentence + "\n";
  return out.empty() ? "" : out + "\n";
}

std::string CountsText(const RunResults& results) {
  const CellCounts counts = CountCells(results);
  std::string out = "cells    " + std::to_string(counts.totals.cells_planned) + " planned, " +
                    std::to_string(counts.totals.cells_executed) +
                    " executed: " + std::to_string(counts.totals.pass) + " pass, " +
                    std::to_string(counts.totals.fail) + " fail";
  if (counts.expected_fail > 0)
    out += " (" + std::to_string(counts.expected_fail) + " as expected)";
  out += ", " + std::to_string(counts.totals.unknown) + " unknown, " +
         std::to_string(counts.totals.unsupported) + " unsupported\n";
  out += "trials   " + std::to_string(counts.totals.trials_planned) + " planned, " +
         std::to_string(counts.totals.trials_executed) +
         " executed: " + std::to_string(counts.trials.pass) + " pass, " +
         std::to_string(counts.trials.fail) + " fail, " + std::to_string(counts.trials.unknown) +
         " unknown\n";
  return out;
}

// How many tests of a command each arm's comparison counted: "12 alike, 2 differ (threading/3.11)".
// Of a large suite the results keep only the first rows that do not differ.
std::string ComparedTestsText(const RunResults& results) {
  constexpr int64_t kRowsKept = 200;
  std::string out;
  for (const CellResult& cell : results.cells) {
    if (!cell.comparison.is_array()) continue;
    int64_t alike = 0, different = 0, undecided = 0;
    for (const Json& row : cell.comparison) {
      if (!GetString(row, "key").starts_with("test:")) continue;
      const std::string verdict = GetString(row, "verdict");
      ++(verdict == "same" ? alike : verdict == "difference" ? different : undecided);
    }
    if (alike + different + undecided == 0) continue;
    const bool cut = static_cast<int64_t>(cell.comparison.size()) >= kRowsKept;
    out += "tests    " + std::to_string(alike) + (cut ? " or more" : "") + " alike, " +
           Counted(different, "differs", "differ") +
           (undecided > 0 ? ", " + std::to_string(undecided) + " undecided" : "") + " (" +
           ColumnName(cell) + ")\n";
  }
  return out;
}

std::string FaultsText(const RunResults& results) {
  std::string out;
  for (const std::string& line : {FaultLogsInWords(results), FaultsNotReachedInWords(results)})
    if (!line.empty()) out += "faults   " + line + "\n";
  return out;
}

std::string VerdictText(const RunResults& results, const ReportStyle& style) {
  const Verdict verdict = results.verdict();
  const int color = verdict == Verdict::kPass ? 32 : verdict == Verdict::kFail ? 31 : 35;
  std::string out = "verdict  " + Emphasised(std::string(VerdictName(verdict)), color, style) +
                    ", exit code " + std::to_string(results.exit_code());
  if (results.interrupted)
    out += " (interrupted: what was recorded is kept)";
  else if (results.infrastructure_failed)
    out += " (" + OneLine(results.infrastructure_reason) + ")";
  return out + "\n";
}

std::string RunText(const RunResults& results) {
  std::string out;
  if (const std::string directory = GetString(results.run, "directory"); !directory.empty())
    out += "run      " + OneLine(directory, 4096) + "\n";
  if (const std::string seed = GetString(results.run, "seed"); !seed.empty())
    out += "seed     " + OneLine(seed) + "\n";
  return out;
}

std::string NotesText(const RunResults& results) {
  std::string out;
  for (const std::string& note : results.notes) out += "note     " + OneLine(note) + "\n";
  for (const std::string& note : SuppressionNotes(results)) out += "note     " + note + "\n";
  return out;
}

std::string GroupsText(const std::string& heading, const std::vector<CellGroup>& groups) {
  constexpr size_t kShown = 3;
  std::string out;
  for (const CellGroup& group : groups) {
    out += "  " + group.reason + "\n    ";
    for (size_t i = 0; i < group.cells.size() && i < kShown; ++i)
      out += (i == 0 ? "" : ", ") + group.cells[i];
    if (group.cells.size() > kShown)
      out += " and " + std::to_string(group.cells.size() - kShown) + " more";
    out += "\n";
  }
  return out.empty() ? "" : "\n" + heading + ":\n" + out;
}

std::string TestsText(const CellResult& cell) {
  constexpr size_t kShown = 20;
  const std::vector<std::string> tests = DifferingTests(cell);
  std::string out;
  for (size_t i = 0; i < tests.size() && i < kShown; ++i) out += "      " + tests[i] + "\n";
  if (tests.size() > kShown)
    out += "      and " + std::to_string(tests.size() - kShown) + " more" + kRest + "\n";
  return out.empty()
             ? ""
             : "    " +
                   Counted(static_cast<int64_t>(tests.size()), "test differs", "tests differ") +
                   ":\n" + out;
}

std::string SurprisesText(const RunResults& results, const ReportStyle& style) {
  const std::vector<std::string> rows = RowNames(results.cells);
  std::string out;
  int64_t count = 0;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    if (cell.expected || WasNotRun(cell)) continue;
    ++count;
    out += "\n  " + Emphasised(rows[i] + " on " + ColumnName(cell), 1, style) + ": " +
           StateInWords(cell) + "\n    " + FirstFinding(cell, kRest) + "\n";
    out += TestsText(cell);
    for (const std::string& note : cell.notes)
      out += "    note: " + OneLine(note, kLongestNote) + "\n";
    if (!cell.replay.empty()) out += "    replay: " + ReplayLine(cell) + "\n";
  }
  if (count == 0) return "";
  return "\n" + Counted(count, "cell") + " did not do what was expected:\n" + out;
}

}  // namespace

std::string ClosingSummary(const RunResults& results, const ReportStyle& style) {
  return DifferencesText(results) + CountsText(results) + ComparedTestsText(results) +
         FaultsText(results) + VerdictText(results, style) + RunText(results) + NotesText(results) +
         GroupsText("unsupported", UnsupportedByReason(results)) +
         GroupsText("not run", NotRunByReason(results)) + SurprisesText(results, style);
}

}  // namespace trireme
