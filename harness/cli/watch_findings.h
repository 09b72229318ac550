#ifndef TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_
#define TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"
#include "harness/cli/suppressions.h"

namespace trireme {

// What the checks find in a recording while it is still written.
class WatchFindings {
 public:
  struct Known {
    Finding finding;
    int64_t count = 0;   // objects at which it was found so far
    std::string told{};  // what was SaidOf() it when Look() first gave it
  };
  // The message, and what is missing.
  static std::string SaidOf(const Finding& finding);

  // `cell` as plan.json holds it: its checks are made.
  WatchFindings(std::string recording, Json cell, Suppressions suppressions)
      : recording_(std::move(recording)),
        cell_(std::move(cell)),
        suppressions_(std::move(suppressions)) {}

  // Looks again; what is new since the last look, once per signature, and is not suppressed.
  // What more events show in another light is told again, and what they show to be suppressed is known no longer. The last
  // look is made whether or not anything was recorded since.
  std::vector<Finding> Look(bool last = false);
  const std::map<std::string, Known>& known() const { return known_; }
  // Those that are not advisory.
  int64_t count() const;
  // Why a check could not say that there is nothing; "" when each could.
  const std::string& unknown() const { return unknown_; }
  const Suppressions& suppressions() const { return suppressions_; }

 private:
  const std::string recording_;
  const Json cell_;
  Suppressions suppressions_;
  int64_t newest_ = -1;
  std::set<std::string> suppressed_;    // by kind and signature
  std::map<std::string, Known> known_;  // by kind and signature
  std::string unknown_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_
