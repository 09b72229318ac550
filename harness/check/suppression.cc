#include "harness/check/suppression.h"

#include <algorithm>
#include <utility>

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

Json Suppression::ToJson() const {
  return {{"kind", kind},       {"frames", frames},   {"reason", reason},   {"place", place},
          {"expires", expires}, {"expired", expired}, {"shipped", shipped}, {"trials", count}};
}

Suppression Suppression::FromJson(const Json& json) {
  return {.kind = GetString(json, "kind"),
          .frames = TextsOf(GetMember(json, "frames")),
          .reason = GetString(json, "reason"),
          .place = GetString(json, "place"),
          .expires = GetString(json, "expires"),
          .expired = GetBool(json, "expired"),
          .shipped = GetBool(json, "shipped"),
          .count = GetInt(json, "trials")};
}

bool Suppression::Matches(const Finding& finding) const {
  return !expired && !frames.empty() && kind == finding.kind &&
         std::all_of(frames.begin(), frames.end(),
                     [&](const std::string& glob) { return AnyFrameMatches(glob, finding); });
}

std::string Suppression::Useless() const {
  if (shipped || count > 0) return "";
  return place + ": " + reason + ": " + (expired ? "expired on " + expires : "nothing matched it");
}

Json SuppressionsToJson(const std::vector<Suppression>& suppressions) {
  Json all = Json::array();
  for (const Suppression& one : suppressions) all.push_back(one.ToJson());
  return all;
}

std::vector<Suppression> SuppressionsFromJson(const Json& json) {
  std::vector<Suppression> all;
  if (!json.is_array()) return all;
  for (const Json& one : json) all.push_back(Suppression::FromJson(one));
  return all;
}

CheckResult WithoutSuppressed(CheckResult result, const std::vector<Suppression>& suppressions) {
  std::vector<Finding> left;
  for (Finding& finding : result.findings) {
    const auto known = std::find_if(suppressions.begin(), suppressions.end(),
                                    [&](const Suppression& one) { return one.Matches(finding); });
    if (known == suppressions.end())
      left.push_back(std::move(finding));
    else
      result.suppressed.push_back({.finding = std::move(finding), .place = known->place});
  }
  result.findings = std::move(left);
  const bool fails = std::any_of(result.findings.begin(), result.findings.end(),
                                 [](const Finding& finding) { return !finding.advisory; });
  if (result.verdict == Verdict::kFail && !result.suppressed.empty() && !fails) {
    result.verdict = Verdict::kPass;
    result.reason.clear();
  }
  return result;
}

}  // namespace trireme
