#ifndef TRIREME_HARNESS_PROBE_WAITS_H_
#define TRIREME_HARNESS_PROBE_WAITS_H_

#include <stdint.h>

#include "harness/probe/descriptors.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// Who waits for which kernel object, for every runtime by one rule. A task waits to read an object when it
//   - is inside a call that reads it and has to sleep there, or inside poll() or select() for it; or
//   - was told EAGAIN, has not run since, and the descriptor is registered with an epoll set (before or after), which is
//     what tells that from a task that only looked whether something was there.
// Who reads or waits meanwhile without being that task has met it. Writing is judged by itself. What a loop reads
// between the steps of its tasks it reads for them. Without task numbers a thread is a task.
//
// Thread safety: any threads, signal handlers and forked children; nothing waits or allocates. Two processes meet in
// the objects of the recording that they share.

// kStands: WaitStanding().
enum class How : uint8_t { kCall, kAccept, kPoll, kStands };

// Whose call it is: where it returns to, its flags as recv(2) and send(2) take them, and where the stack was when it was made:
// a call that is left by longjmp, and the next at that place of the program, have the same.
struct Caller {
  const void* place = nullptr;
  int flags = 0;
  const void* frame = nullptr;
};
// In the function that the program called.
#define TRIREME_CALLER_WITH(flags) \
  trireme::Caller { __builtin_return_address(0), flags, __builtin_dwarf_cfa() }
#define TRIREME_CALLER TRIREME_CALLER_WITH(0)
// Of a call on many pieces: they are the program's, and may not even be readable.
constexpr uint64_t kUnknownSize = ~uint64_t{0};

// A call that is under way; what EndWait() needs.
struct Wait {
  trireme_object* object = nullptr;  // null: not followed
  uint64_t token = 0;
  uint64_t other = 0;  // whose turn it was: 0 nobody's
  int fd = -1;
  Direction direction = kRead;
  bool nested = false;  // in a signal handler that interrupted another
};

// REQUIRES: EndWait() follows in this thread, or EndPoll(). `size`: bytes that are asked for.
Wait BeginWait(int fd, Direction direction, How how, uint64_t size, const Caller& caller = {});
// `result` as the call gave it, or -errno.
void EndWait(const Wait& wait, int64_t result);

// The end of a How::kPoll wait.
void EndPoll(int fd, Direction direction);

// The current task was told by its runtime what EAGAIN would have told it, and is registered.
void WaitWithoutCall(int fd, Direction direction, const Caller& caller);

// The same for a task that no code runs as: its loop reads for it, whenever there is something, and it waits on. Who
// comes asks the stack source whether it still does. `beside`: what else this thread reads there is its own affair.
void WaitStanding(int fd, bool beside, const Caller& caller);

// Whether another task of this thread, which has not run since, was told EAGAIN there or waits.
bool OtherTaskWasTold(int fd, Direction direction);
// Whether the current task was told EAGAIN, in this step of it, by something that still may tell it more.
bool CurrentTaskWasTold();

// The task that stands for what a loop of this process reads there; 0: there is none.
uint32_t StandingReaderOf(int fd);

// An epoll set or a poll holds it from now on: whoever was told EAGAIN there waits. The task that registers, or whoever registers
// for it, makes it wait.
void NoteRegistered(trireme_object* object, Direction direction);

// This thread runs `next` instead of `before`, which both may be 0.
void SwitchWaits(uint32_t before, uint32_t next);
// A task that will never run again does not wait.
void EndWaitsOf(uint32_t task);
// After fork, and for another recording: what was known is another's.
void ForgetWaits();
// Before this process has waited for anything in this recording: what a program that it was before exec left there.
void EndWaitsOfProcess(trireme_header* header);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_WAITS_H_
