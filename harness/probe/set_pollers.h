#ifndef TRIREME_HARNESS_PROBE_SET_POLLERS_H_
#define TRIREME_HARNESS_PROBE_SET_POLLERS_H_

#include <stdint.h>

#include "harness/probe/waits.h"

namespace trireme {

// Which threads of this process wait in which epoll set, and which were told something there and have not waited since.
// Where two do so in one set, both wake for one byte of a socket that the set tells of for as long as there is something
// (no EPOLLET, EPOLLONESHOT or EPOLLEXCLUSIVE): then the one that reads it has met the other. Who takes the socket out of
// the set before it reads, or waits and reads under one lock, has not.
//
// Thread safety: any threads and forked children. A thread's entry is stored by itself alone.

// Around epoll_wait(2). `waits`: it may sleep.
class SetPoll {
 public:
  SetPoll(int set, bool waits, const void* caller);
  // `result` as the call gave it.
  void End(int result) const;

 private:
  struct SetPoller* entry_ = nullptr;
};

// Whether two threads waited in one set, ever, or two sets held one object: all below is for nothing before that.
extern bool sets_are_shared;
inline bool SetsAreShared() { return __atomic_load_n(&sets_are_shared, __ATOMIC_RELAXED); }

// From now on they are: also where two sets hold one object.
void NoteSharedSets();

// The number of the set that the calling thread last waited in; 0: none.
uint32_t OwnSet();
// Whether some thread waits in that set, or did so last of all sets.
bool IsPolled(uint32_t set);
// Another thread that waits in a set, or was told of something there and has not waited since.
struct OtherPoller {
  uint32_t thread = 0, task = 0;
  int waits_in = -1;  // the set's descriptor, while it does
  const void* place = nullptr;
};
// Whether one waited in `set` while the calling one did so in its own, or still does.
bool WaitedBesideThis(uint32_t set, OtherPoller* other);

// A set holds that object from now on.
void NoteHeld(trireme_header* header, const trireme_object* object);
// The calling thread is about to read a socket. REQUIRES: it is inside `wait`.
void MeetInSet(const Wait& wait, uint64_t size, const Caller& caller);

// After fork, and for another recording.
void ForgetSetPollers();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_SET_POLLERS_H_
