// What a plan does to a datagram that is sent or read.
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "harness/probe/faulty_transfer.h"
#include "harness/probe/postponed.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

const char* ReasonOf(Postponing why) {
  switch (why) {
    case Postponing::kNoPlace:
      return "as many as are kept at once were kept";
    case Postponing::kTooLarge:
      return "it has more bytes than are kept";
    case Postponing::kTooMuchData:
      return "it has more control data than is kept";
    case Postponing::kNoPart:
      return "MSG_MORE makes it part of a datagram";
    case Postponing::kNoCopy:
      return "MSG_ZEROCOPY leaves it in the program's memory";
    default:
      return "its address, control data or descriptors are not as they should be";
  }
}

uint32_t said_reasons = 0;  // atomic, bits

// Once for each reason: every one of a plan's may be too large.
void WarnOfOneInOrder(const trireme_fault_rule& rule, const ConnectionEnd& end, uint64_t number,
                      Postponing why) {
  const uint32_t bit = 1U << static_cast<uint8_t>(why);
  if ((__atomic_fetch_or(&said_reasons, bit, __ATOMIC_RELAXED) & bit) != 0) return;
  char place[512];
  TextBuffer text(place, sizeof(place));
  text.Add("fault '").Add(rule.name).Add("' left datagram ");
  text.AddNumber(static_cast<int64_t>(number)).Add(" of ").Add(end.connection->id);
  text.Add(" in order: ").Add(ReasonOf(why));
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .task = CurrentTask(),
          .key = {"faults", 6},
          .value = {text.text(), text.size()}});
}

}  // namespace

// What it does to one that is sent or read, not to the call.
bool FaultyTransfer::ChangesMessage(const trireme_fault_rule& rule) const {
  return IsForDatagrams(rule.action) || rule.action == TRIREME_DO_SHORT;
}

// Datagrams are events, whole by themselves. First what happens to the call: where that is over, so is what would become of the
// datagram, which never went.
FaultyTransfer::Step FaultyTransfer::BeginDatagram() {
  const uint64_t number = offset();
  const uint32_t count = RuleCount();
  if (direction_ == kRead)
    if (const int found = Look(); found <= 0) return found == 0 ? Step::kMakeCall : Step::kOver;
  const Due due = Due::FromWord(__atomic_load_n(&end_.due(direction_), __ATOMIC_ACQUIRE));
  const uint32_t first = due.offset == number ? due.rule : 0;
  bool changed = false;
  for (uint32_t i = NextRule(subject(), number, 0); i < count;
       i = NextRule(subject(), number, i + 1)) {
    trireme_fault_rule& rule = RuleAt(i);
    if (IsNever(rule)) continue;
    if (rule.dry == 0 && ChangesMessage(rule)) {
      changed = true;
      continue;
    }
    if (i < first || !Takes(rule)) continue;
    Note(rule, OutdoneBy(i));
    if (rule.dry != 0) continue;
    if (Apply(rule) == Step::kOver) {
      // The call that is made again is for the same datagram, and for what else the plan has for it: who is never told to try
      // again, as who waits, must not find another number there.
      if (errno == EAGAIN || errno == EINTR)
        SetDueForMessage(end_, direction_, {.offset = number, .rule = i + 1});
      else
        __atomic_fetch_add(&end_.moved(direction_), 1, __ATOMIC_RELAXED);
      return Step::kOver;
    }
  }
  return changed ? ChangeDatagram() : Step::kMakeCall;
}

// The first rule that does that to this datagram; null: none. Counts it.
trireme_fault_rule* FaultyTransfer::RuleThat(uint8_t action) {
  const uint64_t number = offset();
  const uint32_t count = RuleCount();
  for (uint32_t i = NextRule(subject(), number, 0); i < count;
       i = NextRule(subject(), number, i + 1)) {
    trireme_fault_rule& rule = RuleAt(i);
    if (rule.action == action && rule.dry == 0 && !IsNever(rule) && Takes(rule)) return &rule;
  }
  return nullptr;
}

// A datagram that is dropped suffers nothing else; the other changes go together. What comes to nothing is not noted.
FaultyTransfer::Step FaultyTransfer::ChangeDatagram() {
  trireme_fault_rule* dropped = RuleThat(TRIREME_DO_DROP);
  if (dropped != nullptr && direction_ == kRead) return LoseDatagram(*dropped);
  dropped_ = dropped;
  if (dropped_ != nullptr) return Step::kMakeCall;
  shortened_ = RuleThat(TRIREME_DO_SHORT);
  if (shortened_ != nullptr) limit_ = shortened_->amount;
  if (direction_ == kRead) return Step::kMakeCall;
  duplicated_ = RuleThat(TRIREME_DO_DUPLICATE);
  trireme_fault_rule* reordered = RuleThat(TRIREME_DO_REORDER);
  if (reordered == nullptr) return Step::kMakeCall;
  const uint64_t size = std::min(size_, limit_);
  const Postponing done =
      PostponeDatagram(fd_, pieces_, size, duplicated_ != nullptr ? 2 : 1, flags_);
  if (done != Postponing::kDone) {
    WarnOfOneInOrder(*reordered, end_, offset(), done);
    TakeBack(*reordered, end_.connection);
    return Step::kMakeCall;
  }
  NoteChanges();
  Note(*reordered);
  __atomic_fetch_add(&end_.moved(direction_), 1, __ATOMIC_RELAXED);
  Over(static_cast<int64_t>(size), errno);
  return Step::kOver;
}

// It is read by itself: so nothing of it gets into what the caller gave for the next one, and descriptors that came with it
// the kernel closes.
FaultyTransfer::Step FaultyTransfer::LoseDatagram(trireme_fault_rule& rule) {
  const int before = errno;
  const long got = syscall(SYS_recvfrom, fd_, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  const int error = errno;
  errno = before;
  if (got >= 0) {
    Note(rule);
    __atomic_fetch_add(&end_.moved(direction_), 1, __ATOMIC_RELAXED);
    return Step::kNext;
  }
  TakeBack(rule, end_.connection);
  if (error == EAGAIN) return Step::kNext;  // another reader has it
  Over(-1, error);
  return Step::kOver;
}

}  // namespace trireme
