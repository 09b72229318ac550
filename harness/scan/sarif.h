#ifndef TRIREME_HARNESS_SCAN_SARIF_H_
#define TRIREME_HARNESS_SCAN_SARIF_H_

#include <string>

#include "harness/scan/hack_scan.h"

namespace trireme {

// SARIF 2.1.0: one run whose rules are the kinds. What was not scanned is a notification of the
// invocation, which did not succeed then. `version` is Trireme's.
std::string HacksAsSarif(const HackScan& scan, const std::string& version);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCAN_SARIF_H_
