#ifndef TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_
#define TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"

namespace trireme {

// What the checks find in a recording while it is still written.
class WatchFindings {
 public:
  struct Known {
    Finding finding;
    int64_t count = 0;  // objects at which it was found so far
  };

  // `cell` as plan.json holds it: its checks are made.
  WatchFindings(std::string recording, Json cell)
      : recording_(std::move(recording)), cell_(std::move(cell)) {}

  // Looks again; what is new since the last look, once per signature.
  std::vector<Finding> Look();
  const std::map<std::string, Known>& known() const { return known_; }
  // Those that are not advisory.
  int64_t count() const;
  // Why a check could not say that there is nothing; "" when each could.
  const std::string& unknown() const { return unknown_; }

 private:
  const std::string recording_;
  const Json cell_;
  int64_t newest_ = -1;
  std::map<std::string, Known> known_;  // by kind and signature
  std::string unknown_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_FINDINGS_H_
