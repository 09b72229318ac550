#ifndef TRIREME_REPORTS_SUMMARY_H_
#define TRIREME_REPORTS_SUMMARY_H_

#include <string>

#include "harness/check/results.h"
#include "reports/report.h"

namespace trireme {

// How a run ends on standard output: what differs in words, planned and executed counts, each
// verdict's count, the run directory, and each cell that did not do what was expected with its
// first finding and its replay line.
std::string ClosingSummary(const RunResults& results, const ReportStyle& style);

}  // namespace trireme

#endif  // TRIREME_REPORTS_SUMMARY_H_
