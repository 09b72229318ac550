#ifndef TRIREME_HARNESS_CLI_DRY_RUN_H_
#define TRIREME_HARNESS_CLI_DRY_RUN_H_

#include <map>
#include <string>

#include "harness/scenario/plan.h"

namespace trireme {

// What `run --dry-run` prints: a line a cell, the counts, the notes and the estimated time.
std::string FormatPlan(const Plan& plan, int jobs, const std::map<std::string, double>& earlier);

// Seconds of one trial by cell id, from the newest run below `folder` that has results; empty when
// there is none.
std::map<std::string, double> EarlierSeconds(const std::string& folder);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_DRY_RUN_H_
