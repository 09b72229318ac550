#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>

#include "harness/scenario/plan.h"

namespace trireme {
namespace {

// Measured on two cores under Debian 12: what a runner takes until it is ready, and what an empty
// trial takes.
struct Cost {
  double start_seconds, trial_seconds;
};

Cost CostOf(const PlannedCell& cell) {
  if (cell.language == "cpp") return {0.01, 0.002};
  if (cell.runtime == "threading") return {0.06, 0.02};
  if (cell.runtime == "asyncio") return {0.125, 0.021};
  return {0.514, 0.016};
}

double TrialSeconds(const PlannedCell& cell, const std::map<std::string, double>& earlier) {
  const Cost cost = CostOf(cell);
  if (const auto found = earlier.find(cell.id); found != earlier.end()) return found->second;
  return cell.isolated_process || !cell.command.empty() ? cost.start_seconds + cost.trial_seconds
                                                        : cost.trial_seconds;
}

}  // namespace

Estimate EstimateRun(const Plan& plan, int jobs, const std::map<std::string, double>& earlier) {
  const double width = std::max(jobs, 1);
  double seconds = 0;
  size_t cells = 0, known = 0;
  std::set<std::tuple<std::string, std::string, std::string>> zygotes;
  for (const PlannedCell& cell : plan.cells) {
    if (!cell.unsupported.empty()) continue;
    ++cells;
    known += earlier.count(cell.id);
    const double trials = TrialSeconds(cell, earlier) * static_cast<double>(cell.trials.size());
    seconds += cell.exclusive ? trials : trials / width;
    if (zygotes.emplace(cell.runtime, cell.interpreter, cell.directory).second)
      seconds += CostOf(cell).start_seconds / width;
  }
  const std::string rest =
      "what an empty trial of each runtime takes, to which the workloads' own time comes";
  std::string basis = "rests on " + rest;
  if (known > 0)
    basis = "rests on an earlier run for " + std::to_string(known) + " of " +
            std::to_string(cells) + " cells";
  if (known > 0 && known < cells) basis += ", and on " + rest;
  return {.nanoseconds = std::llround(seconds * 1e9), .basis = basis};
}

}  // namespace trireme
