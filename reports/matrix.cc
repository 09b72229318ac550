#include "reports/matrix.h"

#include <algorithm>
#include <set>

#include "reports/words.h"

namespace trireme {
namespace {

enum GlyphIndex {
  kPassGlyph,
  kExpectedFailGlyph,
  kSurpriseFailGlyph,
  kSurprisePassGlyph,
  kUnknownGlyph,
  kUnsupportedGlyph
};

GlyphIndex IndexOf(const CellResult& cell) {
  switch (cell.state) {
    case CellState::kPass:
      return cell.expected ? kPassGlyph : kSurprisePassGlyph;
    case CellState::kFail:
      return cell.expected ? kExpectedFailGlyph : kSurpriseFailGlyph;
    case CellState::kUnsupported:
      return kUnsupportedGlyph;
    case CellState::kUnknown:
      break;
  }
  return kUnknownGlyph;
}

bool EitherWasAllowed(const CellResult& cell) {
  return cell.expectation.find(" or ") != std::string::npos;
}

bool HasAdvisory(const CellResult& cell) {
  return std::any_of(cell.findings.begin(), cell.findings.end(),
                     [](const CellFinding& found) { return found.finding.advisory; });
}

size_t IndexIn(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

std::string Padded(const std::string& text, size_t width) {
  const size_t have = DisplayWidth(text);
  return have >= width ? text : text + std::string(width - have, ' ');
}

std::string TrimmedLine(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// a, b, ... z, aa, ab
std::string Letters(size_t index) {
  std::string text;
  for (++index; index > 0; index = (index - 1) / 26)
    text.insert(text.begin(), static_cast<char>('a' + (index - 1) % 26));
  return text;
}

struct Layout {
  size_t row_width = 0;
  std::vector<std::string> headers;
  std::vector<size_t> widths;
  bool lettered = false;

  size_t Total() const {
    size_t total = row_width;
    for (const size_t width : widths) total += 2 + width;
    return total;
  }
};

void Measure(Layout& layout, const Matrix& matrix, bool unicode) {
  layout.widths.clear();
  for (const std::string& header : layout.headers) layout.widths.push_back(DisplayWidth(header));
  for (const auto& [place, cell] : matrix.cells)
    layout.widths[place.second] =
        std::max(layout.widths[place.second], DisplayWidth(CellText(*cell, unicode)));
}

Layout MakeLayout(const Matrix& matrix, const ReportStyle& style) {
  Layout layout{.headers = matrix.columns};
  for (const std::string& row : matrix.rows)
    layout.row_width = std::max(layout.row_width, DisplayWidth(row));
  Measure(layout, matrix, style.unicode);
  if (style.columns == 0 || layout.Total() <= style.columns) return layout;
  layout.lettered = true;
  for (size_t i = 0; i < layout.headers.size(); ++i) layout.headers[i] = Letters(i);
  Measure(layout, matrix, style.unicode);
  return layout;
}

std::string Colored(const std::string& text, const CellResult& cell, bool color) {
  if (!color) return text;
  return "\x1b[" + std::to_string(GlyphOf(cell).color) + "m" + text + "\x1b[0m";
}

std::string Header(const Layout& layout) {
  std::string line = Padded("", layout.row_width);
  for (size_t i = 0; i < layout.headers.size(); ++i)
    line += "  " + Padded(layout.headers[i], layout.widths[i]);
  return TrimmedLine(line);
}

std::string Row(const Matrix& matrix, size_t row, const Layout& layout, const ReportStyle& style) {
  std::string line = Padded(matrix.rows[row], layout.row_width);
  for (size_t column = 0; column < matrix.columns.size(); ++column) {
    const auto found = matrix.cells.find({row, column});
    if (found == matrix.cells.end()) {
      line += "  " + Padded("", layout.widths[column]);
      continue;
    }
    const std::string text = CellText(*found->second, style.unicode);
    line += "  " + Colored(text, *found->second, style.color) +
            std::string(layout.widths[column] - DisplayWidth(text), ' ');
  }
  return TrimmedLine(line);
}

std::string Legend(const Matrix& matrix, const ReportStyle& style) {
  std::set<GlyphIndex> used;
  bool either = false;
  bool advisory = false;
  for (const auto& [place, cell] : matrix.cells) {
    used.insert(IndexOf(*cell));
    either = either || EitherWasAllowed(*cell);
    advisory = advisory || HasAdvisory(*cell);
  }
  std::vector<std::string> parts;
  for (const GlyphIndex index : used) {
    const Glyph& glyph = Glyphs()[index];
    parts.push_back(std::string(style.unicode ? glyph.unicode : glyph.ascii) + " " +
                    std::string(glyph.meaning));
  }
  if (either) parts.emplace_back("~ either was allowed");
  if (advisory) parts.emplace_back("* has advisory findings");
  if (matrix.cells.size() < matrix.rows.size() * matrix.columns.size())
    parts.emplace_back("blank not planned");
  std::string legend;
  for (const std::string& part : parts) legend += (legend.empty() ? "" : "   ") + part;
  return legend + "\n";
}

}  // namespace

const std::vector<Glyph>& Glyphs() {
  static const auto& glyphs = *new std::vector<Glyph>{
      {"\u2713", ".", "pass", 32},        {"x", "x", "fail, as expected", 33},
      {"X", "X", "FAIL, unexpected", 31}, {"!", "!", "PASS, unexpected", 31},
      {"?", "?", "unknown", 35},          {"\u2205", "-", "unsupported", 90},
  };
  return glyphs;
}

const Glyph& GlyphOf(const CellResult& cell) { return Glyphs()[IndexOf(cell)]; }

std::string CellText(const CellResult& cell, bool unicode) {
  const Glyph& glyph = GlyphOf(cell);
  std::string text(unicode ? glyph.unicode : glyph.ascii);
  if (EitherWasAllowed(cell)) text += "~";
  if (HasAdvisory(cell)) text += "*";
  if (cell.trials.fail > 0 && cell.trials.fail < cell.trials.executed)
    text += " " + std::to_string(cell.trials.fail) + "/" + std::to_string(cell.trials.executed);
  return text;
}

Matrix MakeMatrix(const RunResults& results) {
  Matrix matrix;
  std::map<std::string, size_t> rows;
  const std::vector<std::string> names = RowNames(results.cells);
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const auto [row, is_new] = rows.emplace(names[i], matrix.rows.size());
    if (is_new) matrix.rows.push_back(names[i]);
    const size_t column = IndexIn(matrix.columns, OneLine(ColumnName(results.cells[i]), 60));
    matrix.cells.emplace(std::pair(row->second, column), &results.cells[i]);
  }
  return matrix;
}

std::string FormatMatrix(const Matrix& matrix, const ReportStyle& style) {
  const Layout layout = MakeLayout(matrix, style);
  std::string out = Header(layout);
  for (size_t row = 0; row < matrix.rows.size(); ++row) out += Row(matrix, row, layout, style);
  out += "\n";
  if (layout.lettered) {
    for (size_t i = 0; i < matrix.columns.size(); ++i)
      out += layout.headers[i] + " = " + matrix.columns[i] + "\n";
    out += "\n";
  }
  return out + Legend(matrix, style);
}

}  // namespace trireme
