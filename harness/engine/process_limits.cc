#include "harness/engine/process_limits.h"

#include <algorithm>
#include <cerrno>
#include <string>

namespace trireme {

ProcessLimits::Tree ProcessLimits::Living() const {
  Tree tree;
  for (ProcessInfo& process : ReadTree(process_)) tree.emplace(process.pid, std::move(process));
  return tree;
}

const rlim_t* ProcessLimits::BeforeOf(const Shortage& shortage, const Tree& tree, pid_t process) {
  for (auto at = tree.find(process); at != tree.end(); at = tree.find(at->second.parent))
    if (const auto known = shortage.before.find(at->first); known != shortage.before.end())
      return &known->second;
  const auto known = shortage.before.find(process);
  return known == shortage.before.end() ? nullptr : &known->second;
}

Status ProcessLimits::Lower(__rlimit_resource resource, uint64_t limit) {
  Shortage& shortage = shortages_[resource];
  const Tree tree = Living();
  const auto lowest = shortage.in_force.begin();
  bool lowered = false;
  int error = 0;
  for (const auto& [process, info] : tree) {
    rlimit now{};
    if (::prlimit(process, resource, nullptr, &now) != 0) {
      if (process == process_) error = errno;
      continue;
    }
    const bool born_short = lowest != shortage.in_force.end() && now.rlim_cur == *lowest;
    const rlim_t* before = born_short ? BeforeOf(shortage, tree, process) : nullptr;
    shortage.before.try_emplace(process, before == nullptr ? now.rlim_cur : *before);
    if (now.rlim_cur <= limit) continue;  // a shortage gives nobody more
    now.rlim_cur = limit;
    if (::prlimit(process, resource, &now, nullptr) == 0)
      lowered = true;
    else if (process == process_)
      error = errno;
  }
  shortage.in_force.insert(limit);
  if (error != 0) return ErrnoError("cannot limit process " + std::to_string(process_), error);
  if (lowered) return Done{};
  return InfrastructureError("no process has more than " + std::to_string(limit) + " anyway");
}

void ProcessLimits::GiveBack(__rlimit_resource resource, uint64_t limit) {
  Shortage& shortage = shortages_[resource];
  const uint64_t held = *shortage.in_force.begin();
  shortage.in_force.erase(shortage.in_force.find(limit));
  const Tree tree = Living();
  for (const auto& [process, info] : tree) {
    rlimit now{};
    const rlim_t* before = BeforeOf(shortage, tree, process);
    if (before == nullptr || ::prlimit(process, resource, nullptr, &now) != 0) continue;
    if (now.rlim_cur != std::min<rlim_t>(*before, held)) continue;
    now.rlim_cur = std::min(*before, now.rlim_max);
    if (!shortage.in_force.empty())
      now.rlim_cur = std::min<rlim_t>(now.rlim_cur, *shortage.in_force.begin());
    ::prlimit(process, resource, &now, nullptr);
  }
  if (shortage.in_force.empty()) shortage.before.clear();
}

}  // namespace trireme
