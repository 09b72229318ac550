#include "harness/base/json.h"

#include "reports/report.h"

namespace trireme {

std::string JsonReport(const RunResults& results, const ReportStyle&) {
  return DumpJson(results.ToJson(), 1) + "\n";
}

}  // namespace trireme
