#ifndef TRIREME_HARNESS_CHECK_WIRE_COMPARISON_H_
#define TRIREME_HARNESS_CHECK_WIRE_COMPARISON_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/check/equivalence.h"
#include "harness/check/streams.h"
#include "harness/check/wire_fields.h"

namespace trireme {

struct WireComparison {
  Verdict verdict = Verdict::kPass;
  std::string reason;                   // of a verdict that is not pass
  std::vector<Difference> differences;  // one a signature, at most kMostWireDifferences
  int64_t streams = 0;                  // that were compared
  int64_t masked =
      0;  // bytes, fields or whole streams that the reference's own trials do not agree on
  Json ToJson() const;  // `wire` of results.json
};

inline constexpr size_t kMostWireDifferences = 20;

// What the streams of one cell's trials are compared with.
struct WireReference {
  const std::map<int64_t, Streams>& trials;
  std::string name;        // "eventlet/3.11"
  bool per_trial = false;  // trial k has its counterpart in trial k alone
  bool same_inputs = false;  // but all have the same inputs, and differ by their faults only
};

// Compares what went over each logical connection, in each direction, with the reference: what its end wrote, or what the
// other end read where the writer was not recorded; and how each stream was closed, where both saw that. Segmentation
// does not count, for it is gone. What differs among the reference's own trials is masked (kExact: with the word that it
// is in), so it takes two of them, unless each trial has its counterpart. Where that is so for their faults alone, what varies
// by itself is masked as well, see VariationOf(); where it is not certain that it does, and nothing else differs, it is
// unknown whether they are the same. Where their inputs differ nothing shows that, and only ports of this machine are
// masked. HTTP dates are masked as they are. REQUIRES: `rule` is not kNone.
WireComparison CompareWire(WireRule rule, const std::map<int64_t, Streams>& here,
                           const WireReference& reference, const std::string& scenario);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WIRE_COMPARISON_H_
