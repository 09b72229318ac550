#include "harness/cli/watch_findings.h"

#include <algorithm>
#include <utility>

#include "harness/check/checker.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"

namespace trireme {

std::vector<Finding> WatchFindings::Look(bool last) {
  const int64_t newest = NewestEventTime(recording_);
  if (newest == newest_ && !last) return {};
  newest_ = newest;
  const Result<History> history = History::Read(recording_);
  if (!history.ok()) return {};
  const TrialView view = MakeTrialView(*history, cell_, "");
  unknown_ = history->lost() == 0
                 ? ""
                 : Count(static_cast<int64_t>(history->lost()), "event") + " could not be recorded";
  std::map<std::string, Known> now;
  for (const Json& choice : GetMember(cell_, "checks")) {
    const TrialChecker* checker = FindTrialChecker(GetString(choice, "name"));
    if (checker == nullptr) continue;
    const CheckResult result = RunChecker(*checker, view, GetMember(choice, "arguments"));
    if (result.verdict == Verdict::kUnknown && !result.not_exercised) unknown_ = result.reason;
    for (const Finding& finding : result.findings) {
      const std::string key = finding.kind + finding.signature;
      // Each time anew: the frame that an entry names may be known long after the finding.
      // And at each object: another entry may match there.
      if (suppressions_.Suppress(finding, !suppressed_.contains(key))) {
        suppressed_.insert(key);
        continue;
      }
      // What was advisory at one object stays no longer so where another shows more.
      Known& known = now.try_emplace(key, Known{.finding = finding}).first->second;
      if (known.finding.advisory && !finding.advisory) known.finding = finding;
      ++known.count;
    }
  }
  std::vector<Finding> found;
  for (auto& [key, known] : now) {
    const auto before = known_.find(key);
    known.told = before == known_.end() ? SaidOf(known.finding) : before->second.told;
    if (before == known_.end() || before->second.finding.advisory != known.finding.advisory)
      found.push_back(known.finding);
  }
  known_ = std::move(now);
  return found;
}

std::string WatchFindings::SaidOf(const Finding& finding) {
  return finding.message + "\n" + GetString(finding.evidence, "no_stack");
}

int64_t WatchFindings::count() const {
  return std::count_if(known_.begin(), known_.end(),
                       [](const auto& one) { return !one.second.finding.advisory; });
}

}  // namespace trireme
