#include "harness/cli/watch_findings.h"

#include <algorithm>

#include "harness/check/checker.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"

namespace trireme {

std::vector<Finding> WatchFindings::Look() {
  const int64_t newest = NewestEventTime(recording_);
  if (newest == newest_) return {};
  newest_ = newest;
  const Result<History> history = History::Read(recording_);
  if (!history.ok()) return {};
  const TrialView view = MakeTrialView(*history, cell_, "");
  unknown_ = history->lost() == 0
                 ? ""
                 : Count(static_cast<int64_t>(history->lost()), "event") + " could not be recorded";
  std::map<std::string, int64_t> counts;
  std::vector<Finding> found;
  for (const Json& choice : GetMember(cell_, "checks")) {
    const TrialChecker* checker = FindTrialChecker(GetString(choice, "name"));
    if (checker == nullptr) continue;
    const CheckResult result = RunChecker(*checker, view, GetMember(choice, "arguments"));
    if (result.verdict == Verdict::kUnknown && !result.not_exercised) unknown_ = result.reason;
    for (const Finding& finding : result.findings) {
      const std::string key = finding.kind + finding.signature;
      if (suppressed_.contains(key)) continue;
      if (!known_.contains(key) && suppressions_.Suppress(finding)) {
        suppressed_.insert(key);
        continue;
      }
      ++counts[key];
      if (known_.try_emplace(key, Known{.finding = finding}).second) found.push_back(finding);
    }
  }
  for (const auto& [key, count] : counts) known_[key].count = std::max(known_[key].count, count);
  return found;
}

int64_t WatchFindings::count() const {
  return std::count_if(known_.begin(), known_.end(),
                       [](const auto& one) { return !one.second.finding.advisory; });
}

}  // namespace trireme
