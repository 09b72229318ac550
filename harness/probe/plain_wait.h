#ifndef TRIREME_HARNESS_PROBE_PLAIN_WAIT_H_
#define TRIREME_HARNESS_PROBE_PLAIN_WAIT_H_

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "harness/probe/lanes.h"
#include "harness/probe/loops.h"
#include "harness/probe/objects.h"
#include "harness/probe/recorder.h"
#include "harness/probe/set_pollers.h"
#include "harness/probe/waits.h"

namespace trireme {

// What nearly every call finds: a socket that is known, the object where it was, and nobody there. The call before it left
// little of this in the processor's nearest memory, so that few instructions in a row, and few places that they touch, are
// what counts: all of it is part of the function that the program calls, and nothing of it has to be in memory but what
// others look at. Calling it instead costs a recv() of 100 bytes 1.5 % more.

struct Held {
  trireme_object* object = nullptr;
  uint64_t token = 0;
};

// A call that the thread is inside of.
struct Inside : Held {
  const void* frame = nullptr;  // Caller::frame
};

// Takes a waiter's word away, in whatever state it is. False: another is there.
bool TakeAway(trireme_object* object, Direction direction, uint64_t token);

// What the calling thread's current task holds, by direction. A thread is inside one call at a time, and inside those
// that its signal handlers interrupted: these are further up on the stack. What is not was left by longjmp, and is over.
struct ThreadWaits {
  static constexpr int kInterrupted = 3;
  struct Interrupted : Inside {
    int fd = -1;
  };
  Inside inside[2];
  Held told[2];  // EAGAIN, in this step of the task
  Interrupted interrupted[2][kInterrupted];
  uint8_t depth[2];  // of those that are; then there is one in `inside` too
};

extern constinit thread_local ThreadWaits thread_waits;

// A call that finds this. Without an object: it does not, and nothing is done.
struct PlainWait {
  trireme_object* object;
  uint64_t token;
};

// The object last: a signal handler finds all of it, or nothing.
inline void BeInside(Direction direction, const Inside& call) {
  Inside& inside = thread_waits.inside[direction];
  inside.token = call.token;
  inside.frame = call.frame;
  __atomic_signal_fence(__ATOMIC_RELEASE);
  inside.object = call.object;
}

// A look at what is there takes nothing, and errors are in a queue of their own.
inline bool OnlyLooks(Direction direction, int flags) {
  return direction == kRead && (flags & (MSG_PEEK | MSG_ERRQUEUE)) != 0;
}

// Whoever becomes a waiter looks afterwards whether the object
// is still its own: from then on nobody takes that away, see Take() in objects.cc.
[[gnu::flatten, gnu::always_inline]] inline PlainWait BeginPlainWait(int fd, Direction direction,
                                                                     const Caller& caller) {
  ThreadWaits& waits = thread_waits;
  trireme_header* header = FollowedHeaderNow();
  const uint64_t self = thread_state.self_word;
  if (header == nullptr || self == 0 || SetsAreShared() || OnlyLooks(direction, caller.flags) ||
      waits.told[kRead].object != nullptr || waits.told[kWrite].object != nullptr ||
      waits.inside[direction].object != nullptr) [[unlikely]]
    return {nullptr, 0};
  Descriptor* descriptor = KnownDescriptor(fd);
  if (descriptor == nullptr || descriptor->slot == 0 ||
      (descriptor->kind != ObjectKind::kStream && descriptor->kind != ObjectKind::kDatagram))
      [[unlikely]]
    return {nullptr, 0};
  trireme_object* object = ObjectAt(header, descriptor->slot - 1);
  uint64_t none = 0;
  // Looked at before, too: who waits at another object would meet our word there.
  if (object == nullptr || !IsObject(object, descriptor->id) ||
      !__atomic_compare_exchange_n(&object->waiters[direction], &none, self, false,
                                   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) [[unlikely]]
    return {nullptr, 0};
  if (!IsObject(object, descriptor->id)) [[unlikely]] {
    TakeAway(object, direction, self);
    return {nullptr, 0};
  }
  __atomic_store_n(&descriptor->places[direction], caller.place, __ATOMIC_RELAXED);
  object->threads[direction] = thread_state.thread;
  object->fds[direction] = fd;
  BeInside(direction, {{object, self}, caller.frame});
  return {object, self};
}

// `result` as the call gave it. False, and nothing is done: EndWait() has more to do than this.
[[gnu::flatten, gnu::always_inline]] inline bool EndPlainWait(const PlainWait& wait,
                                                              Direction direction, int64_t result) {
  trireme_object* object = wait.object;
  if ((result < 0 && errno == EAGAIN) ||
      __atomic_load_n(&object->events, __ATOMIC_RELAXED) > 1 ||
      __atomic_load_n(&object->waiters[direction], __ATOMIC_RELAXED) != wait.token) [[unlikely]]
    return false;
  thread_waits.inside[direction].object = nullptr;
  // Nobody but its own thread takes away the word of one that is inside, so no compare-and-swap is needed.
  __atomic_store_n(&object->waiters[direction], 0, __ATOMIC_RELEASE);
  NoteMoved(result);
  return true;
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PLAIN_WAIT_H_
