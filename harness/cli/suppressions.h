#ifndef TRIREME_HARNESS_CLI_SUPPRESSIONS_H_
#define TRIREME_HARNESS_CLI_SUPPRESSIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/locations.h"
#include "harness/base/result.h"
#include "harness/check/suppression.h"
#include "harness/check/verdict.h"

namespace trireme {

// Findings that are known and left alone, from files that say why; scenarios/suppressions.yaml explains their form.
class Suppressions {
 public:
  // Adds the entries of a file; an error points at its place. `today` is YYYY-MM-DD: an entry that expires on that day
  // or before suppresses nothing. Of a `shipped` file nobody is told what was not used.
  Status Add(const std::string& path, const std::string& today, bool shipped);

  const std::vector<Suppression>& all() const { return all_; }

  // Whether some match; those are used then. `is_new`: the finding counts as one more that is suppressed.
  bool Suppress(const Finding& finding, bool is_new = true);

  // "FILE:LINE: REASON: nothing matched it", one for each entry that was of no use or has expired.
  std::vector<std::string> Unused() const;
  int64_t suppressed() const { return suppressed_; }  // findings so far

 private:
  std::vector<Suppression> all_;
  int64_t suppressed_ = 0;
};

// The shipped ones, and those of `files`; they expire by today's date.
Result<Suppressions> ReadSuppressions(const std::vector<std::string>& files,
                                      const Locations& locations);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_SUPPRESSIONS_H_
