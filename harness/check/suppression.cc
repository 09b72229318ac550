#include "harness/check/suppression.h"

#include <algorithm>
#include <string>
#include <vector>

#include "harness/base/strings.h"

namespace trireme {
namespace {

bool AnyFrameMatches(const std::string& glob, const Finding& finding) {
  return std::any_of(finding.participants.begin(), finding.participants.end(),
                     [&](const Participant& participant) {
                       return std::any_of(
                           participant.stack.begin(), participant.stack.end(),
                           [&](const std::string& frame) { return GlobMatches(glob, frame); });
                     });
}

}  // namespace

bool IsSuppressedBy(const Json& suppression, const Finding& finding) {
  const std::vector<std::string> frames = TextsOf(GetMember(suppression, "frames"));
  return !frames.empty() && GetString(suppression, "kind") == finding.kind &&
         std::all_of(frames.begin(), frames.end(),
                     [&](const std::string& glob) { return AnyFrameMatches(glob, finding); });
}

CheckResult WithoutSuppressed(CheckResult result, const Json& suppressions) {
  if (!suppressions.is_array() || suppressions.empty()) return result;
  const size_t before = result.findings.size();
  std::erase_if(result.findings, [&](const Finding& finding) {
    return std::any_of(suppressions.begin(), suppressions.end(),
                       [&](const Json& one) { return IsSuppressedBy(one, finding); });
  });
  const bool fails = std::any_of(result.findings.begin(), result.findings.end(),
                                 [](const Finding& finding) { return !finding.advisory; });
  if (result.verdict == Verdict::kFail && result.findings.size() < before && !fails) {
    result.verdict = Verdict::kPass;
    result.reason.clear();
  }
  return result;
}

}  // namespace trireme
