#ifndef TRIREME_HARNESS_CHECK_WIRE_VARIATION_H_
#define TRIREME_HARNESS_CHECK_WIRE_VARIATION_H_

#include <set>
#include <string>
#include <vector>

#include "harness/check/wire_fields.h"

namespace trireme {

// What a stream carries that is another from trial to trial by itself: a port, an id, a token.
struct WireVariation {
  std::set<std::string> fields;  // names, see SplitStream()
  std::vector<bool> bytes;       // kExact
};

// How sure it is that a field or a byte varies by itself, of so many trials that have it.
enum class Variation {
  kLikely,  // more than half of their pairs disagree: of two or three, one that was hit is enough
  kCertain  // there are three at least, and more than three quarters of their pairs disagree
};

// Of the same stream in several trials with the same inputs that suffered other faults each: its bytes, without dates. A
// fault makes some trials differ from the rest, what varies by itself makes nearly all of them differ.
WireVariation VariationOf(WireRule rule, const std::vector<std::string>& trials,
                          Variation variation);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WIRE_VARIATION_H_
