#include "harness/check/processor_use.h"

#include <algorithm>
#include <iterator>

namespace trireme {
namespace {

// Before the first note and after the last nothing is known to have been used.
double UsedAt(const std::map<int64_t, double>& notes, int64_t time) {
  const auto after = notes.lower_bound(time);
  if (after == notes.end()) return notes.rbegin()->second;
  if (after == notes.begin()) return after->second;
  const auto before = std::prev(after);
  const double part =
      static_cast<double>(time - before->first) / static_cast<double>(after->first - before->first);
  return before->second + part * (after->second - before->second);
}

}  // namespace

ProcessorUse::ProcessorUse(const TrialView& view) {
  uint32_t workload = 0;
  int64_t end = 0;
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kBegin && workload == 0) workload = event.process;
    if (event.kind == EventKind::kExit) end = event.time;
    if (event.kind != EventKind::kUsage || event.key != "processor") continue;
    const Json used = event.Value();
    if (used.is_number()) by_process_[event.process][event.time] = used.get<double>();
  }
  const auto found = by_process_.find(workload);
  const double total = (view.exit.user + view.exit.system) * 1e9;
  if (found == by_process_.end() || end <= found->second.rbegin()->first) return;
  // What the probe noted is more exact than what the kernel counted of a short life.
  found->second[end] = std::max(total, found->second.rbegin()->second);
}

double ProcessorUse::Between(int64_t from, int64_t until) const {
  double used = -1;
  for (const auto& [process, notes] : by_process_)
    used = std::max(used, 0.0) + std::max(UsedAt(notes, until) - UsedAt(notes, from), 0.0) / 1e9;
  return used;
}

}  // namespace trireme
