#include "harness/check/starvation_checker.h"

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/overtakings.h"

namespace trireme {
namespace {

constexpr double kFairShare = 10;
constexpr size_t kStarved = 16;  // of one trial that are reported

std::string ShareText(double share) {
  const double whole = std::floor(share);
  return whole == share && std::abs(share) < 1e9 ? std::to_string(static_cast<int64_t>(whole))
                                                 : DumpJson(share);
}

Finding StarvedFinding(const TrialView& view, const Overtaking& wait, double share) {
  const std::string name = view.TaskName(wait.task);
  const std::string kind = wait.facts.kind.empty() ? "object" : wait.facts.kind;
  std::string message = name + " waited for the " + ObjectText(wait.facts) + " for " +
                        FormatDuration(wait.to - wait.from) + (wait.ended ? "" : ", to the end") +
                        ", while " + Count(wait.overtaken, "service") +
                        " went to who came later; " + Count(wait.wanted, "task") +
                        " wanted it, allowed are " + ShareText(share) + " for each";
  const std::string subject = kind + "\n" + WithoutNumbers(name);
  Finding finding = view.MakeFinding("starvation", "starvation", subject, std::move(message),
                                     {view.ParticipantOf(wait.task)});
  finding.signature = Signature("starvation", view.scenario() + '\n' + subject, {});
  finding.evidence = {{"object", wait.object},
                      {"kind", wait.facts.kind},
                      {"place", ToValidUtf8(wait.facts.place)},
                      {"from_ns", wait.from},
                      {"to_ns", wait.to},
                      {"ended", wait.ended},
                      {"overtaken", wait.overtaken},
                      {"served", wait.served},
                      {"wanted", wait.wanted},
                      {"share", share}};
  return finding;
}

}  // namespace

std::string_view StarvationChecker::Summary() const {
  return "no task waits while others who came later are served again and again";
}

std::vector<CheckArgument> StarvationChecker::Arguments() const {
  return {{.name = "share",
           .type = "number",
           .required = false,
           .fallback = static_cast<int64_t>(kFairShare)}};
}

CheckResult StarvationChecker::Check(const TrialView& view, const Json& arguments) const {
  if (const std::string why = WhyNotWhole(view); !why.empty()) return Unknown(why);
  const double share = GetDouble(arguments, "share", kFairShare);
  if (!(share >= 0)) return Unknown("the check's argument 'share' is no number from 0");
  const Overtakings overtakings = FindOvertakings(view, EndOfWaits(view));
  CheckResult result;
  std::set<std::string> signatures;
  for (const Overtaking& wait : overtakings.worst) {
    if (static_cast<double>(wait.overtaken) <= share * static_cast<double>(wait.wanted)) continue;
    Finding finding = StarvedFinding(view, wait, share);
    if (result.findings.size() == kStarved || !signatures.insert(finding.signature).second)
      continue;
    if (result.findings.empty()) result.reason = finding.message;
    result.verdict = Verdict::kFail;
    result.findings.push_back(std::move(finding));
  }
  if (result.verdict == Verdict::kFail) return result;
  if (!overtakings.any_contended)
    return NotExercised("no task waited for a lock, semaphore, queue or pool that served others");
  return result;
}

}  // namespace trireme
