#ifndef TRIREME_HARNESS_FAULT_PRECEDENCE_H_
#define TRIREME_HARNESS_FAULT_PRECEDENCE_H_

#include <cstdint>

#include "harness/fault/system_call.h"

namespace trireme {

// In which order faults happen that are due at one byte or event, whatever the order of the plan: so that of a delay and an
// error neither is lost. Of one rank the first in the plan does, and the others where they still can.
enum class Precedence : uint8_t {
  kLate = 0,   // a delay, a stall
  kError = 1,  // after which the connection is whole, as an interruption
  kEnd = 2,    // of the connection: nothing more happens on it
  kShort = 3   // of what is left to move
};

Precedence PrecedenceOf(trireme_fault_action action, int32_t error);

// Whether TakesEachPlaceOf() may hold of `a` and another one.
bool MayTakePlaces(const SystemCallFault& a);
// Whether `b` can never happen because of `a`: that ends each of its connections before, or fails each of its calls first.
// Only what is certain, of streams and datagrams, whatever a run brings. `before`: `a` comes before `b` in the plan.
bool TakesEachPlaceOf(const SystemCallFault& a, const SystemCallFault& b, bool before);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PRECEDENCE_H_
