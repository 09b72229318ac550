// What each runtime made of each fault plan: a row for a scenario and a plan, a column for a runtime; then how long each
// took to notice and to recover, and what it used of a processor meanwhile.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/reused_connections.h"
#include "reports/report.h"
#include "reports/words.h"

namespace trireme {
namespace {

using Lines = std::vector<std::vector<std::string>>;  // of a table, the first is its head

struct FaultRow {
  std::string plan, scenario;
  std::map<std::string, const CellResult*> cells;  // by column
};

struct FaultTable {
  std::vector<std::string> columns;
  std::vector<FaultRow> rows;
};

std::string PlanName(const CellResult& cell) {
  std::string name;
  if (cell.faults.is_array())
    for (const Json& fault : cell.faults)
      if (fault.is_string())
        name += (name.empty() ? "" : ", ") + OneLine(fault.get<std::string>(), 60);
  return name;
}

// The row's name without its fault plan, which has a column of its own.
std::string ScenarioName(const std::string& row_name) {
  return row_name.substr(0, row_name.find(" fault="));
}

FaultTable MakeFaultTable(const RunResults& results) {
  FaultTable table;
  std::map<std::pair<std::string, std::string>, size_t> places;
  const std::vector<std::string> names = RowNames(results.cells);
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    const std::string plan = PlanName(cell);
    if (plan.empty()) continue;
    const std::string column = OneLine(ColumnName(cell), 60);
    const std::string scenario = ScenarioName(names[i]);
    const auto [place, is_new] = places.try_emplace({plan, scenario}, table.rows.size());
    if (is_new) table.rows.push_back({.plan = plan, .scenario = scenario});
    table.rows[place->second].cells.emplace(column, &cell);
    if (std::find(table.columns.begin(), table.columns.end(), column) == table.columns.end())
      table.columns.push_back(column);
  }
  return table;
}

std::string EffectInWords(const CellResult& cell) {
  if (cell.state == CellState::kUnsupported) return "unsupported";
  const std::string summary = GetString(cell.under_faults, "summary");
  return summary.empty() ? "unknown" : OneLine(summary, 60);
}

bool NeedsExplanation(const CellResult& cell) {
  const std::string effect = GetString(cell.under_faults, "class");
  return effect != "survived" && effect != "recovered";
}

std::string Explanation(const CellResult& cell) {
  std::string reason = GetString(cell.under_faults, "reason");
  if (reason.empty()) reason = cell.reason;
  return EffectInWords(cell) + (reason.empty() ? "" : ": " + OneLine(reason));
}

// One line for each cell that neither survived nor recovered.
std::vector<std::string> Explanations(const FaultTable& table) {
  std::vector<std::string> lines;
  for (const FaultRow& row : table.rows)
    for (const std::string& column : table.columns) {
      const auto found = row.cells.find(column);
      if (found != row.cells.end() && NeedsExplanation(*found->second))
        lines.push_back(row.plan + ", " + row.scenario + " on " + column + ": " +
                        Explanation(*found->second));
    }
  return lines;
}

// Of the first trial of a cell in which a connection was hit in another task than the one that opened it.
std::vector<std::string> ReusedOf(const CellResult& cell) {
  constexpr size_t kMost = 3;
  const Json& reused = GetMember(cell.fault_log, "reused_connections");
  const Json& connections = GetMember(reused, "connections");
  std::vector<std::string> lines;
  if (!connections.is_array()) return lines;
  for (const Json& one : connections)
    if (lines.size() < kMost) lines.push_back("reused connection " + ReusedInWords(one));
  const int64_t more = GetInt(reused, "count") - static_cast<int64_t>(lines.size());
  if (more > 0) lines.push_back("and " + Counted(more, "connection") + " more that were reused");
  return lines;
}

// These, then what is noted of each cell, as the points that a sweep tried and those at which it failed.
std::vector<std::string> Remarks(const FaultTable& table) {
  std::vector<std::string> lines = Explanations(table);
  for (const FaultRow& row : table.rows)
    for (const std::string& column : table.columns) {
      const auto found = row.cells.find(column);
      if (found == row.cells.end()) continue;
      std::vector<std::string> notes = found->second->notes;
      for (std::string& line : ReusedOf(*found->second)) notes.push_back(std::move(line));
      for (const std::string& note : notes)
        lines.push_back(row.plan + ", " + row.scenario + " on " + column + ": " +
                        OneLine(note, kLongestNote));
    }
  return lines;
}

// By fault, over all cells, of an object of counts.
void AddCounts(const Json& counts, std::map<std::string, int64_t>* sums) {
  if (!counts.is_object()) return;
  for (const auto& [name, count] : counts.items())
    if (count.is_number_integer()) (*sums)[name] += count.get<int64_t>();
}

// "faults applied: cut 120, reset 12; never reached: stall"
std::string AppliedText(const RunResults& results) {
  std::map<std::string, int64_t> applied, missed;
  for (const CellResult& cell : results.cells) {
    AddCounts(cell.faults_applied, &applied);
    AddCounts(GetMember(cell.fault_log, "not_reached_faults"), &missed);
  }
  std::string text, never;
  for (const auto& [name, count] : applied)
    text += (text.empty() ? "" : ", ") + OneLine(name, 60) + " " + std::to_string(count);
  for (const auto& [name, trials] : missed)
    if (!applied.contains(name)) never += (never.empty() ? "" : ", ") + OneLine(name, 60);
  return "faults applied: " + (text.empty() ? "none" : text) +
         (never.empty() ? "" : "; never reached: " + never);
}

std::vector<std::string> ClosingLines(const RunResults& results) {
  std::vector<std::string> lines = {AppliedText(results)};
  for (std::string& line : std::array{FaultLogsInWords(results), FaultsNotReachedInWords(results)})
    if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

// The cells of a row, in the order of the columns; "" where none was planned.
std::vector<std::string> CellsOf(const FaultTable& table, const FaultRow& row) {
  std::vector<std::string> cells = {row.plan, row.scenario};
  for (const std::string& column : table.columns) {
    const auto found = row.cells.find(column);
    cells.push_back(found == row.cells.end() ? "" : EffectInWords(*found->second));
  }
  return cells;
}

std::vector<std::string> HeadOf(const FaultTable& table) {
  std::vector<std::string> head = {"faults", "scenario"};
  head.insert(head.end(), table.columns.begin(), table.columns.end());
  return head;
}

std::string AlignedLine(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i)
    line += cells[i] + std::string(widths[i] - DisplayWidth(cells[i]) + 2, ' ');
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string MillisecondsInWords(double value) {
  constexpr double kLongest = 1e12;  // results may be damaged
  return FormatDuration(std::llround(std::clamp(value, 0.0, kLongest) * 1e6));
}

// "1.2ms", "1.2ms, 4ms at most", or "" where nothing was measured.
std::string TimeInWords(const Json& milliseconds) {
  if (!milliseconds.is_object()) return "";
  const double median = GetDouble(milliseconds, "p50");
  const double most = GetDouble(milliseconds, "max");
  return MillisecondsInWords(median) +
         (most > median ? ", " + MillisecondsInWords(most) + " at most" : "");
}

// What each cell took, where anything of it was measured.
Lines TimesOf(const FaultTable& table) {
  Lines lines = {
      {"faults", "scenario", "runtime", "noticed after", "recovered after", "processor time"}};
  for (const FaultRow& row : table.rows)
    for (const std::string& column : table.columns) {
      const auto found = row.cells.find(column);
      if (found == row.cells.end()) continue;
      const Json& effect = found->second->under_faults;
      std::vector<std::string> line = {row.plan, row.scenario, column};
      for (const char* key : {"notice_ms", "recovery_ms", "cpu_ms"})
        line.push_back(TimeInWords(GetMember(effect, key)));
      if (line[3] + line[4] + line[5] != "") lines.push_back(std::move(line));
    }
  if (lines.size() == 1) lines.clear();
  return lines;
}

Lines EffectsOf(const FaultTable& table) {
  Lines lines = {HeadOf(table)};
  for (const FaultRow& row : table.rows) lines.push_back(CellsOf(table, row));
  return lines;
}

std::string TerminalTable(const Lines& lines) {
  if (lines.empty()) return "";
  std::vector<size_t> widths(lines.front().size());
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(line[i]));
  std::string text;
  for (const auto& line : lines) text += AlignedLine(line, widths);
  return text;
}

std::string MarkdownLine(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + MarkdownText(cell) + " |";
  return line + "\n";
}

std::string MarkdownTable(const Lines& lines) {
  std::string text;
  for (const std::vector<std::string>& line : lines) {
    const bool is_head = text.empty();
    text += MarkdownLine(line);
    if (!is_head) continue;
    text += "|";
    for (size_t i = 0; i < line.size(); ++i) text += "---|";
    text += "\n";
  }
  return text;
}

std::string MarkdownFaults(const RunResults& results, const FaultTable& table) {
  std::string text = MarkdownTable(EffectsOf(table));
  for (const std::string& line : Remarks(table)) {
    if (text.ends_with("|\n")) text += "\n";
    text += "- " + MarkdownText(line, kLongestNote) + "\n";
  }
  if (const Lines times = TimesOf(table); !times.empty()) text += "\n" + MarkdownTable(times);
  for (const std::string& line : ClosingLines(results)) text += "\n" + MarkdownText(line) + "\n";
  return text;
}

}  // namespace

std::string FaultsReport(const RunResults& results, const ReportStyle& style) {
  const FaultTable table = MakeFaultTable(results);
  if (table.rows.empty()) return "no cell of this run has a fault plan\n";
  if (style.markdown) return MarkdownFaults(results, table);
  std::string text = TerminalTable(EffectsOf(table)) + "\n";
  for (const std::string& line : Remarks(table)) text += line + "\n";
  if (!text.ends_with("\n\n")) text += "\n";
  if (const Lines times = TimesOf(table); !times.empty()) text += TerminalTable(times) + "\n";
  for (const std::string& line : ClosingLines(results)) text += line + "\n";
  return text;
}

}  // namespace trireme
