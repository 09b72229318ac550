#include "reports/matrix.h"
#include "reports/report.h"
#include "reports/summary.h"

namespace trireme {

std::string TextReport(const RunResults& results, const ReportStyle& style) {
  const Matrix matrix = MakeMatrix(results);
  const std::string table = matrix.cells.empty() ? "" : FormatMatrix(matrix, style) + "\n";
  return table + ClosingSummary(results, style);
}

}  // namespace trireme
