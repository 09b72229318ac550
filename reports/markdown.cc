// A job summary of at most kMarkdownLimit bytes. GitHub refuses a whole summary over its limit, and
// cut HTML or a cut table breaks what follows, so whole items are left out, and counted.

#include <algorithm>

#include "reports/matrix.h"
#include "reports/report.h"
#include "reports/words.h"

namespace trireme {
namespace {

// Kept free for the lines that say what was left out, and the closing of what is open.
constexpr size_t kReserve = 1024;

// A code span; its delimiter cannot occur in it. Pipes are escaped for tables.
std::string Code(std::string_view text, size_t limit = 200) {
  std::string out = "`";
  for (const char c : OneLine(text, limit)) {
    if (c == '`')
      out += '\'';
    else if (c == '|')
      out += "\\|";
    else
      out += c;
  }
  return out == "`" ? "" : out + "`";
}

// Text that never grows beyond the limit: an item goes in whole or not at all, and what stayed out
// is counted.
class Page {
 public:
  // For what must be there; bounded by its callers to a few hundred bytes each.
  void Add(const std::string& text) { text_ += text; }

  bool Offer(const std::string& item) {
    if (text_.size() + item.size() + kReserve > kMarkdownLimit) return false;
    text_ += item;
    return true;
  }

  // Adds as many of `items` as fit, in order, and a line that counts the rest.
  void AddSection(const std::string& heading, const std::vector<std::string>& items,
                  const std::string& what) {
    if (items.empty()) return;
    size_t added = 0;
    if (Offer(heading))
      while (added < items.size() && Offer(items[added])) ++added;
    if (added == items.size()) return;
    left_out_.push_back(std::to_string(items.size() - added) + " of " +
                        std::to_string(items.size()) + " " + what);
  }

  std::string Finish() {
    if (left_out_.empty()) return text_;
    text_ += "\n_Left out, to stay below 60 KiB:";
    for (const std::string& part : left_out_)
      text_ += (&part == left_out_.data() ? " " : ", ") + part;
    return text_ + ". results.json has everything._\n";
  }

 private:
  std::string text_;
  std::vector<std::string> left_out_;
};

std::string Title(const RunResults& results) {
  std::string title = "## Trireme: " + std::string(VerdictName(results.verdict()));
  if (results.interrupted)
    title += " (interrupted)";
  else if (results.infrastructure_failed)
    title += " (" + MarkdownText(results.infrastructure_reason) + ")";
  return title + "\n\n";
}

std::string Counts(const RunResults& results) {
  const CellCounts counts = CountCells(results);
  const auto number = [](int64_t value) { return std::to_string(value); };
  return "\n| | planned | executed | pass | fail | unknown | unsupported "
         "|\n|---|---|---|---|---|---|---|\n| cells | " +
         number(counts.totals.cells_planned) + " | " + number(counts.totals.cells_executed) +
         " | " + number(counts.totals.pass) + " | " + number(counts.totals.fail) +
         (counts.expected_fail > 0 ? " (" + number(counts.expected_fail) + " as expected)" : "") +
         " | " + number(counts.totals.unknown) + " | " + number(counts.totals.unsupported) +
         " |\n| trials | " + number(counts.totals.trials_planned) + " | " +
         number(counts.totals.trials_executed) + " | " + number(counts.trials.pass) + " | " +
         number(counts.trials.fail) + " | " + number(counts.trials.unknown) + " | |\n";
}

std::string TestsItem(const CellResult& cell) {
  constexpr size_t kShown = 10;
  const std::vector<std::string> tests = DifferingTests(cell);
  std::string item;
  for (size_t i = 0; i < tests.size() && i < kShown; ++i)
    item += "  - " + MarkdownText(tests[i]) + "\n";
  if (tests.size() > kShown)
    item += "  - and " + std::to_string(tests.size() - kShown) + " more tests" + kRest + "\n";
  return item;
}

std::vector<std::string> Surprises(const RunResults& results) {
  const std::vector<std::string> rows = RowNames(results.cells);
  std::vector<std::string> items;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    if (cell.expected || WasNotRun(cell)) continue;
    std::string item = "- **" + MarkdownText(rows[i] + " on " + ColumnName(cell)) +
                       "**: " + MarkdownText(StateInWords(cell)) + "  \n  " +
                       MarkdownText(FirstFinding(cell, kRest), std::string::npos) + "\n";
    item += TestsItem(cell);
    for (const std::string& note : cell.notes)
      item += "  - " + MarkdownText(note, kLongestNote) + "\n";
    if (!cell.replay.empty()) item += "  ```\n  " + ReplayLine(cell) + "\n  ```\n";
    items.push_back(std::move(item));
  }
  return items;
}

std::string MatrixHeading(const Matrix& matrix) {
  std::string heading = "\n### Matrix\n\n| |";
  std::string rule = "|---|";
  for (const std::string& column : matrix.columns) {
    heading += " " + Code(column) + " |";
    rule += "---|";
  }
  return heading + "\n" + rule + "\n";
}

std::vector<std::string> MatrixRows(const Matrix& matrix) {
  std::vector<std::string> rows;
  for (size_t row = 0; row < matrix.rows.size(); ++row) {
    std::string line = "| " + Code(matrix.rows[row]) + " |";
    for (size_t column = 0; column < matrix.columns.size(); ++column) {
      const auto found = matrix.cells.find({row, column});
      line += " " +
              (found == matrix.cells.end() ? "" : MarkdownText(CellText(*found->second, true))) +
              " |";
    }
    rows.push_back(line + "\n");
  }
  return rows;
}

std::string Legend() {
  std::string legend = "\n";
  for (const Glyph& glyph : Glyphs())
    legend += (legend.size() == 1 ? "" : ", ") + MarkdownText(glyph.unicode) + " " +
              std::string(glyph.meaning);
  return legend + "; \\~ either was allowed; \\* advisory findings\n";
}

std::vector<std::string> GroupItems(const std::vector<CellGroup>& groups) {
  std::vector<std::string> items;
  for (const CellGroup& group : groups)
    items.push_back("- " + MarkdownText(group.reason) + ": " +
                    Counted(static_cast<int64_t>(group.cells.size()), "cell") + ", first " +
                    MarkdownText(group.cells.front()) + "\n");
  return items;
}

std::vector<std::string> ListItems(const std::vector<std::string>& sentences) {
  std::vector<std::string> items;
  for (const std::string& sentence : sentences)
    items.push_back("- " + MarkdownText(sentence, 1000) + "\n");
  return items;
}

std::string Run(const RunResults& results) {
  std::string line;
  for (const char* name : {"id", "seed", "directory", "version"})
    if (const std::string value = GetString(results.run, name); !value.empty())
      line += (line.empty() ? "" : ", ") + std::string(name) + " " + Code(value);
  return line.empty() ? "" : "\n" + line + "\n";
}

}  // namespace

std::string MarkdownReport(const RunResults& results, const ReportStyle&) {
  Page page;
  page.Add(Title(results));
  page.AddSection("", ListItems(Differences(results)), "comparisons");
  page.Add(Counts(results));
  page.Add(Run(results));
  page.AddSection("\n### Not as expected\n\n", Surprises(results), "unexpected cells");
  const Matrix matrix = MakeMatrix(results);
  page.AddSection(MatrixHeading(matrix), MatrixRows(matrix), "rows of the matrix");
  if (!matrix.rows.empty()) page.Offer(Legend());
  page.AddSection("\n### Unsupported\n\n", GroupItems(UnsupportedByReason(results)),
                  "reasons for unsupported");
  page.AddSection("\n### Not run\n\n", GroupItems(NotRunByReason(results)), "reasons for not run");
  std::vector<std::string> notes = ListItems(results.notes);
  for (std::string& note : ListItems(SuppressionNotes(results))) notes.push_back(std::move(note));
  page.AddSection("\n### Notes\n\n", notes, "notes");
  return page.Finish();
}

}  // namespace trireme
