#ifndef TRIREME_HARNESS_CHECK_SUPPRESSION_H_
#define TRIREME_HARNESS_CHECK_SUPPRESSION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"

namespace trireme {

// Findings that are known and left alone, with why. What is judged always (crash, progress, mixed-arm) is not.
struct Suppression {
  std::string kind;                 // of the finding
  std::vector<std::string> frames;  // globs
  std::string reason;
  std::string place;      // "known.yaml:2"
  std::string expires{};  // "2027-01-31", or ""
  bool expired = false;   // on the day of the run: it suppresses nothing
  bool shipped = false;   // nobody is told that it was not used
  int64_t count = 0;      // trials in which it matched

  // As plan.json and results.json hold it. The way back is total: what is missing is empty.
  Json ToJson() const;
  static Suppression FromJson(const Json& json);

  // Whether the finding's kind is that one, and each glob of `frames` matches a frame of one of its participants. What
  // has no frames matches nothing.
  bool Matches(const Finding& finding) const;
  // "known.yaml:2: REASON: nothing matched it", or that it has expired; "" where it was of use, or is shipped.
  std::string Useless() const;
};

Json SuppressionsToJson(const std::vector<Suppression>& suppressions);
std::vector<Suppression> SuppressionsFromJson(const Json& json);  // empty for what is no list

// Moves the findings that one of `suppressions` matches to `suppressed`. A result that failed for those alone passes.
CheckResult WithoutSuppressed(CheckResult result, const std::vector<Suppression>& suppressions);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_SUPPRESSION_H_
