#ifndef TRIREME_HARNESS_SCAN_HACK_REPORT_H_
#define TRIREME_HARNESS_SCAN_HACK_REPORT_H_

#include <string>

#include "harness/scan/hack_scan.h"

namespace trireme {

// A line each: file:line:column: kind: what it risks (scenario hazards/...).
std::string HacksAsText(const HackScan& scan);
// A line each: file:line: not scanned: why.
std::string UnscannedAsText(const HackScan& scan);
// One JSON document, whole.
std::string HacksAsJson(const HackScan& scan);
// "3 findings in 12 files, 1 not scanned"; a line.
std::string SummaryOf(const HackScan& scan);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCAN_HACK_REPORT_H_
