#include "harness/cli/dry_run.h"

#include <algorithm>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/terminal_text.h"
#include "harness/cli/sweep.h"
#include "harness/cli/table.h"

namespace trireme {
namespace {

constexpr int64_t kMaxResults = 256 << 20;

std::string Trials(const PlannedCell& cell) {
  if (!cell.unsupported.empty()) return "-";
  if (Sweeps(cell)) return "a trial a point";
  return std::to_string(cell.trials.size()) + (cell.trials.size() == 1 ? " trial" : " trials");
}

std::string Remark(const PlannedCell& cell) {
  if (!cell.unsupported.empty()) return "unsupported: " + cell.unsupported;
  const std::string faults = Join(TextsOf(cell.faults), ", ");
  return "timeout " + FormatDuration(cell.timeout) + (faults.empty() ? "" : ", faults " + faults) +
         (cell.role == "reference" ? ", added as the reference" : "");
}

}  // namespace

std::string FormatPlan(const Plan& plan, int jobs, const std::map<std::string, double>& earlier) {
  std::vector<std::vector<std::string>> rows;
  size_t trials = 0;
  size_t unsupported = 0;
  size_t sweeping = 0;  // cells: how many trials they have is not known
  for (const PlannedCell& cell : plan.cells) {
    rows.push_back({cell.id, Trials(cell), Remark(cell)});
    if (!cell.unsupported.empty())
      ++unsupported;
    else if (Sweeps(cell))
      ++sweeping;
    else
      trials += cell.trials.size();
  }
  Plan known = plan;
  std::erase_if(known.cells, Sweeps);
  const Estimate estimate = EstimateRun(known, jobs, earlier);
  std::string out =
      FormatTable(rows, 140) + "\n" + std::to_string(plan.cells.size()) +
      (plan.cells.size() == 1 ? " cell" : " cells") + " planned, " + std::to_string(unsupported) +
      " of them unsupported; " + std::to_string(trials) + (trials == 1 ? " trial" : " trials") +
      (sweeping == 0 ? "" : " and those of sweeps") + "; seed " + FormatHex(plan.seed) + "\n";
  if (sweeping > 0)
    out +=
        "note: " + std::to_string(sweeping) + (sweeping == 1 ? " cell sweeps" : " cells sweep") +
        ": a first pass without the fault finds the points, and each is a trial; their number is "
        "not known before, and the estimated time is without them\n";
  for (const std::string& note : plan.notes) out += "note: " + TerminalText(note) + "\n";
  return out + "estimated time: " + FormatDuration(estimate.nanoseconds) + " with " +
         std::to_string(jobs) + (jobs == 1 ? " job; " : " jobs; ") + estimate.basis + "\n";
}

std::map<std::string, double> EarlierSeconds(const std::string& folder) {
  std::map<std::string, double> seconds;
  std::vector<std::string> runs = ListDirectory(folder);
  std::reverse(runs.begin(), runs.end());  // their names begin with the time
  for (const std::string& run : runs) {
    const Result<std::string> text =
        ReadFile(JoinPath(JoinPath(folder, run), "results.json"), kMaxResults);
    if (!text.ok()) continue;
    const Result<Json> results = ParseJson(*text, run);
    if (!results.ok()) continue;
    for (const Json& cell : GetMember(*results, "cells")) {
      const double median = GetDouble(GetMember(GetMember(cell, "metrics"), "wall_seconds"), "p50");
      if (median > 0) seconds[GetString(cell, "id")] = median;
    }
    return seconds;
  }
  return seconds;
}

}  // namespace trireme
