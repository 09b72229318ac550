#include "harness/fault/precedence.h"

#include <cerrno>

namespace trireme {
namespace {

// Where it hits first, for certain: a byte of a stream, or a datagram's or event's number. By chance that may be at once.
uint64_t FirstPlace(const SystemCallFault& fault, bool stream) {
  switch (fault.when) {
    case TRIREME_WHEN_AT:
      return fault.place;
    case TRIREME_WHEN_EVERY:
      return stream ? fault.place : fault.place - 1;
    default:
      return 0;
  }
}

bool IsUnlimited(const SystemCallFault& fault) {
  return fault.when != TRIREME_WHEN_CHANCE && fault.total == 0 && fault.after == 0 &&
         fault.until == 0;
}

bool IsWithin(const SystemCallFault& b, const SystemCallFault& a) {
  return (b.calls & ~a.calls) == 0 && (b.sides & ~a.sides) == 0;
}

// What read and write move may be a file's, which is whole after any error.
bool Ends(const SystemCallFault& fault) {
  if (PrecedenceOf(fault.action, fault.error) != Precedence::kEnd) return false;
  constexpr uint32_t kOfSockets = 1U << TRIREME_CALL_RECV | 1U << TRIREME_CALL_SEND;
  return fault.action == TRIREME_DO_CLOSE || (fault.calls & ~kOfSockets) == 0;
}

// Both end them, the one where the other would: which of them is said elsewhere where they are of one kind.
bool EndsFirst(const SystemCallFault& a, const SystemCallFault& b, bool before, bool stream) {
  const uint64_t here = FirstPlace(a, stream), there = FirstPlace(b, stream);
  return here < there || (here == there && before && a.when != b.when && Ends(b));
}

bool EndsConnectionsBefore(const SystemCallFault& a, const SystemCallFault& b, bool before) {
  return Ends(a) && (b.calls & ~kTransferCalls) == 0 && EndsFirst(a, b, before, true) &&
         EndsFirst(a, b, before, false);
}

// Who is told EINTR or EAGAIN calls again, and is not told it twice.
bool FailsForGood(const SystemCallFault& fault) {
  return fault.action == TRIREME_DO_SPURIOUS ||
         (fault.action == TRIREME_DO_ERROR && fault.error != EINTR && fault.error != EAGAIN);
}

// Of calls that are events by themselves, whether it hits each that the other does.
bool HitsEachEventOf(const SystemCallFault& a, const SystemCallFault& b) {
  if (a.when == TRIREME_WHEN_ALWAYS) return b.when != TRIREME_WHEN_ALWAYS;
  if (a.when != TRIREME_WHEN_EVERY) return false;
  if (b.when == TRIREME_WHEN_AT) return (b.place + 1) % a.place == 0;
  return b.when == TRIREME_WHEN_EVERY && b.place != a.place && b.place % a.place == 0;
}

// An accept counts its connections otherwise than its own errors.
bool FailsEachCallFirst(const SystemCallFault& a, const SystemCallFault& b) {
  constexpr uint32_t kNoEvents = kTransferCalls | 1U << TRIREME_CALL_ACCEPT;
  return (b.calls & kNoEvents) == 0 && a.times == 0 && FailsForGood(a) && FailsForGood(b) &&
         HitsEachEventOf(a, b);
}

}  // namespace

Precedence PrecedenceOf(trireme_fault_action action, int32_t error) {
  switch (action) {
    case TRIREME_DO_DELAY:
    case TRIREME_DO_STALL:
      return Precedence::kLate;
    case TRIREME_DO_RESET:
    case TRIREME_DO_CLOSE:
      return Precedence::kEnd;
    case TRIREME_DO_ERROR:
      return error == ECONNRESET || error == EPIPE ? Precedence::kEnd : Precedence::kError;
    case TRIREME_DO_SHORT:
      return Precedence::kShort;
    default:
      return Precedence::kError;
  }
}

bool MayTakePlaces(const SystemCallFault& a) {
  return IsUnlimited(a) && (Ends(a) || (FailsForGood(a) && a.when != TRIREME_WHEN_AT));
}

bool TakesEachPlaceOf(const SystemCallFault& a, const SystemCallFault& b, bool before) {
  if (!IsUnlimited(a) || !IsWithin(b, a)) return false;
  return EndsConnectionsBefore(a, b, before) || (before && FailsEachCallFirst(a, b));
}

}  // namespace trireme
