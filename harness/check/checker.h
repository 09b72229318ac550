#ifndef TRIREME_HARNESS_CHECK_CHECKER_H_
#define TRIREME_HARNESS_CHECK_CHECKER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/trial_view.h"
#include "harness/check/verdict.h"

namespace trireme {

// An argument of a check, as a scenario writes it.
struct CheckArgument {
  std::string name;
  std::string type;  // text, texts, duration, number, boolean
  bool required = false;
  Json fallback;  // durations in nanoseconds
};

// What a check wants recorded that costs something; nanoseconds, 0 for not.
struct RecordingNeeds {
  int64_t hold_threshold = 0;
  int64_t usage_interval = 0;
  bool wire = false;  // the bytes of connections
};

// A pure function from one trial to a verdict with findings.
//
// Thread safety: immutable; any threads may call Check() at once.
class TrialChecker {
 public:
  virtual ~TrialChecker() = default;
  virtual std::string_view Name() const = 0;
  virtual std::string_view Summary() const = 0;  // one line, for `trireme list checks`
  virtual std::vector<CheckArgument> Arguments() const { return {}; }

  // With these arguments.
  virtual RecordingNeeds Needs(const Json& /*arguments*/) const { return {}; }

  // `arguments` is complete when the scenario's parser made it; a missing or mistyped member is
  // unknown, never a crash. Passes only on evidence: each checker states the least it needs, and is
  // unknown below it.
  virtual CheckResult Check(const TrialView& view, const Json& arguments) const = 0;
};

// Every check of single trials in this build, in the order of their reports. See
// ADDING_A_CHECK.md.
std::span<const TrialChecker* const> TrialCheckers();

// Null when there is none of that name.
const TrialChecker* FindTrialChecker(std::string_view name);

// What a scenario may name under `checks`: those of trials, and equivalence, which judges a cell
// against its reference.
struct CheckDescription {
  std::string name, summary;
  std::vector<CheckArgument> arguments;
  bool by_default = false;  // part of the default list
  bool always = false;      // judged whatever the scenario says
};
std::vector<CheckDescription> DescribeChecks();

// The kinds that findings of this build may have.
std::vector<std::string> FindingKinds();

// The least that serves all of `checks`, as a cell of plan.json has them: [{name, arguments}, ...].
RecordingNeeds NeedsOf(const Json& checks);

// Runs a checker; one that throws is unknown.
CheckResult RunChecker(const TrialChecker& checker, const TrialView& view, const Json& arguments);

CheckResult Unknown(std::string reason);
// Below the least that the check needs: unknown where the scenario asked for it by name, else left out.
CheckResult NotExercised(std::string reason);
CheckResult Failed(Finding finding);  // its reason is the finding's message

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_CHECKER_H_
