#ifndef TRIREME_HARNESS_CHECK_LOCK_ORDER_CHECKER_H_
#define TRIREME_HARNESS_CHECK_LOCK_ORDER_CHECKER_H_

#include <string_view>

#include "harness/check/checker.h"

namespace trireme {

// Fails where tasks took locks in orders that do not fit together, although none of them had to wait for ever in this
// trial: Havelund's Goodlock, with gates and with the order of starts and joins, for cycles of up to eight locks.
//
// Tasks t1, t2, ... each hold a lock and come to the one that the next holds, and the last to the first's. They cannot
// meet so when two of them hold a common lock then (the gate), or when one has ended before the other begins, by a start
// or a join. Nor is it a cycle where a task sets a deadline when it has its lock already and comes to the next, as one does
// that lets go and tries again: that wait ends by itself, and such a task counts only for what it holds. (A deadline for the
// whole, set before the first lock, is no excuse: until then both stand still.) What else orders them, an event or a
// queue, is no excuse, as it is none for Helgrind: the order of the locks stands in the code, that of the events often
// only in one schedule. (A handshake that really always orders them is a false alarm; name it under expect or
// suppressions.)
//
// Needs one task that came to a lock while it held another; unknown where the cycles are too many to be searched.
class LockOrderChecker final : public TrialChecker {
 public:
  std::string_view Name() const override { return "lock-order"; }
  std::string_view Summary() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LOCK_ORDER_CHECKER_H_
