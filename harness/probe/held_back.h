#ifndef TRIREME_HARNESS_PROBE_HELD_BACK_H_
#define TRIREME_HARNESS_PROBE_HELD_BACK_H_

#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "harness/probe/descriptors.h"

namespace trireme {

// Descriptors that are made to look as if nothing came, or nothing could be sent, for a while: a delay or a stall of what
// does not block. A call is told EAGAIN, and neither poll nor epoll says that it is ready before the time is over; then
// an epoll set that holds it says so again. A thread of ours sees to that.
//
// Thread safety: any threads. Nothing of it lives on in a forked child, where what was held back is ready.

// Until then (the clock of records).
void HoldBack(int fd, Direction direction, uint64_t until);
// The same for as long as it is, of another descriptor of the same file.
void CopyHeldBack(int fd, int copy);
// 0: it is not.
uint64_t HeldBackUntil(int fd, Direction direction);
bool AnyHeldBack();

// What the program has registered: the epoll set is told what of it may be said now. As epoll_ctl(2).
int RegisterAllowed(int set, int operation, int fd, epoll_event* event);
// Of an edge-triggered registration: makes the set look again whether the descriptor is ready, as the kernel would have if
// the call had moved all that it could.
void LookAgain(int fd);

// While a poll or select looks at those of its descriptors that are not held back.
class HiddenFromPoll {
 public:
  HiddenFromPoll(pollfd* fds, nfds_t count);
  // Shows them again, as not ready.
  ~HiddenFromPoll();
  HiddenFromPoll(const HiddenFromPoll&) = delete;
  HiddenFromPoll& operator=(const HiddenFromPoll&) = delete;
  // When the first of them is to be looked at again; ~0: none is hidden.
  uint64_t until() const { return until_; }

 private:
  pollfd* fds_;
  nfds_t count_;
  uint64_t until_ = ~uint64_t{0};
};

// Takes those out of the sets; the same time.
uint64_t HideFromSelect(int count, fd_set* reads, fd_set* writes);

// The number is given out or taken back.
void ForgetHeldBack(int fd);
// Another plan holds now: nothing is held any longer. What the program registered it has registered still.
void LetGoAllHeldBack();
// The sets are the parent's as well, and so is the thread that lets go.
void ForgetAllHeldBackInChild();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_HELD_BACK_H_
