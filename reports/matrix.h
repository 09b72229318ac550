#ifndef TRIREME_REPORTS_MATRIX_H_
#define TRIREME_REPORTS_MATRIX_H_

#include <map>
#include <string>
#include <vector>

#include "harness/check/results.h"
#include "reports/report.h"

namespace trireme {

// The cells as rows (scenario with its parameters) and columns (runtime/interpreter), in order of
// appearance.
struct Matrix {
  std::vector<std::string> rows, columns;
  std::map<std::pair<size_t, size_t>, const CellResult*> cells;  // row, column; absent: not planned
};
// "results" must outlive the matrix.
Matrix MakeMatrix(const RunResults& results);

// How a cell's state is shown: every state has a glyph of its own, and an expected fail is not a
// surprise's.
struct Glyph {
  std::string_view unicode, ascii, meaning;
  int color = 0;  // of ANSI
};
const Glyph& GlyphOf(const CellResult& cell);
// Every glyph, for the legend, in the order of the states.
const std::vector<Glyph>& Glyphs();

// "7/20 " when some but not all of a cell's trials failed; marks for "either was allowed" (~) and
// advisory findings (*).
std::string CellText(const CellResult& cell, bool unicode);

// With a legend of what it uses; ends in a newline. Columns that do not fit get letters and a key.
std::string FormatMatrix(const Matrix& matrix, const ReportStyle& style);

}  // namespace trireme

#endif  // TRIREME_REPORTS_MATRIX_H_
