#include "harness/probe/waits.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/meeting.h"
#include "harness/probe/objects.h"
#include "harness/probe/overlaps.h"
#include "harness/probe/plain_wait.h"
#include "harness/probe/recorder.h"
#include "harness/probe/set_pollers.h"
#include "harness/probe/two_sets.h"
#include "harness/probe/waiter.h"

namespace trireme {

constinit thread_local ThreadWaits thread_waits = {};  // else each use asks first whether it was made

bool TakeAway(trireme_object* object, Direction direction, uint64_t token) {
  uint64_t* word = &object->waiters[direction];
  uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (now != 0 && Waiter(now).IsSameAs(Waiter(token)))
    if (__atomic_compare_exchange_n(word, &now, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
      return true;
  return false;
}

namespace {

// Where a task that does not run waits: cleared when it runs again.
struct Parked {
  uint32_t task;
  uint16_t generation;
  uint16_t slots[2];  // plus 1
};

// By the task's number; untouched pages cost nothing. Two tasks that wait at once share an entry only when as many
// numbers lie between them: then the newer is not followed, and counted.
constexpr int kTries = 4;
constexpr uint32_t kParked = 65536;
Parked parked[kParked];
uint16_t generation = 1;

Parked* ParkedEntry(uint32_t task) { return &parked[task % kParked]; }

// The end of a call. Nobody but its own thread takes away the word of one that is inside, so no compare-and-swap is
// needed, but for one that was marked meanwhile. False: another word is there.
bool Leave(const Wait& wait) {
  uint64_t* word = &wait.object->waiters[wait.direction];
  if (__atomic_load_n(word, __ATOMIC_RELAXED) != wait.token) [[unlikely]]
    return false;
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
  return true;
}

// The same, whatever was marked.
void LeaveMarked(const Wait& wait, int64_t result) {
  EndOverlap(wait, result);
  TakeAway(wait.object, wait.direction, wait.token);
}

void Drop(Held& held, Direction direction) {
  if (held.object != nullptr) TakeAway(held.object, direction, held.token);
  held.object = nullptr;
}

// Whether the call of `outer` goes on when that of `inner` has ended. Neither is looked at but for where it is.
bool Encloses(const void* outer, const void* inner) {
  stack_t stack{};
  syscall(SYS_sigaltstack, nullptr, &stack);
  const char* begin = static_cast<const char*>(stack.ss_sp);
  const char* at = static_cast<const char*>(outer);
  const bool same_stack = at >= begin && at < begin + stack.ss_size;
  if ((stack.ss_flags & SS_ONSTACK) != 0 && !same_stack) return true;
  return outer > inner;
}

// A signal handler ended its call: the thread is inside the one before again.
void Resume(Direction direction) {
  ThreadWaits& waits = thread_waits;
  waits.inside[direction].object = nullptr;
  if (waits.depth[direction] == 0) return;
  const ThreadWaits::Interrupted& before = waits.interrupted[direction][--waits.depth[direction]];
  BeInside(direction, before);
  before.object->fds[direction] = before.fd;
}

// Before another call. True: a signal handler makes it.
bool Interrupts(Direction direction, const void* frame) {
  ThreadWaits& waits = thread_waits;
  Inside& inside = waits.inside[direction];
  while (inside.object != nullptr && !Encloses(inside.frame, frame)) {
    Held left = inside;
    Drop(left, direction);
    Resume(direction);
  }
  if (inside.object == nullptr) return false;
  if (waits.depth[direction] == ThreadWaits::kInterrupted) {
    Drop(inside, direction);
    return true;
  }
  waits.interrupted[direction][waits.depth[direction]++] = {inside, inside.object->fds[direction]};
  inside.object = nullptr;
  return true;
}

// It was told EAGAIN, registered for nothing and does something else now: it only looked.
void DropLook(Held& told, Direction direction) {
  const Waiter now(__atomic_load_n(&told.object->waiters[direction], __ATOMIC_RELAXED));
  if (now.state() == Waiter::kTold && now.IsSameAs(Waiter(told.token))) Drop(told, direction);
}

bool WantsOne(ObjectKind kind, uint64_t size) {
  return (kind == ObjectKind::kPipe && size == 1) || (kind == ObjectKind::kEventfd && size <= 8);
}

// Puts our word into a free object, or says whose is there. False: the object went to another meanwhile.
bool Enter(trireme_object* object, const ObjectId& id, Wait* wait) {
  uint64_t* word = &object->waiters[wait->direction];
  uint64_t now = 0;
  while (!__atomic_compare_exchange_n(word, &now, wait->token, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_RELAXED)) {
    const Waiter other(now);
    // Nobody waits who was told EAGAIN and registered for nothing.
    const bool over = other.IsSameAs(Waiter(wait->token)) || other.state() == Waiter::kTold;
    if (!over) break;
  }
  if (!IsObject(object, id)) {
    if (now == 0) TakeAway(object, wait->direction, wait->token);
    return false;
  }
  wait->object = object;
  wait->other = 0;
  if (!Waiter(__atomic_load_n(word, __ATOMIC_RELAXED)).IsSameAs(Waiter(wait->token)))
    wait->other = now;
  return true;
}

// Whether a loop reads for its task: code of the same thread, between the steps of tasks.
bool ReadsForIt(const Wait& wait, uint32_t thread) {
  const Waiter me(wait.token);
  const Waiter other(wait.other);
  return me.is_thread() && !other.is_thread() && me.process() == other.process() &&
         wait.object->threads[wait.direction] == thread;
}

// Whether the other one leaves to its thread whatever that reads.
bool IsBeside(const Wait& wait, uint32_t thread) {
  const Waiter other(wait.other);
  return other.shares_thread() && other.process() == (ProcessId() & 0x3fffff) &&
         wait.object->threads[wait.direction] == thread;
}

void NoteSelf(const Wait& wait, Descriptor* descriptor, uint32_t thread, How how,
              const Caller& caller) {
  __atomic_store_n(&descriptor->places[wait.direction], caller.place, __ATOMIC_RELAXED);
  wait.object->threads[wait.direction] = thread;
  wait.object->fds[wait.direction] = wait.fd;
  if (how != How::kPoll) BeInside(wait.direction, {{wait.object, wait.token}, caller.frame});
}

// A task that was told EAGAIN waits from now on, should it not run on.
void Told(const Wait& wait, trireme_object* object) {
  const Descriptor* descriptor = FindDescriptor(wait.fd);
  const bool registered =
      descriptor != nullptr && (descriptor->registered >> wait.direction & 1) != 0;
  const Waiter told = Waiter(wait.token).In(registered ? Waiter::kRegistered : Waiter::kTold);
  uint64_t now = wait.token;
  __atomic_compare_exchange_n(&object->waiters[wait.direction], &now, told.word(), false,
                              __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  Held& held = thread_waits.told[wait.direction];
  if (held.object != object) Drop(held, wait.direction);
  held = {object, told.word()};
}

void ParkTask(trireme_header* header, uint32_t task) {
  for (const Direction direction : kDirections) {
    Held& told = thread_waits.told[direction];
    if (told.object == nullptr) continue;
    Parked* entry = ParkedEntry(task);
    const bool free = entry->generation != generation || entry->task == task ||
                      (entry->slots[0] == 0 && entry->slots[1] == 0);
    if (!free) {
      CountUnseen(header);
      Drop(told, direction);
      continue;
    }
    if (entry->generation != generation || entry->task != task) *entry = {task, generation, {0, 0}};
    entry->slots[direction] = static_cast<uint16_t>(told.object - ObjectAt(header, 0) + 1);
    told.object = nullptr;
  }
}

void UnparkTask(trireme_header* header, uint32_t task) {
  Parked* entry = ParkedEntry(task);
  if (entry->task != task || entry->generation != generation) return;
  const Waiter self(Waiter::kRegistered, ProcessId(), task, 0, false);
  for (const Direction direction : kDirections) {
    if (entry->slots[direction] == 0) continue;
    trireme_object* object = ObjectAt(header, entry->slots[direction] - 1u);
    entry->slots[direction] = 0;
    if (object != nullptr) TakeAway(object, direction, self.word());
  }
}

// Puts our word into the descriptor's object, or says who is there, or makes room.
void EnterOrMeet(trireme_header* header, Descriptor* descriptor, How how, uint64_t size,
                 const Caller& caller, Wait* wait) {
  const uint32_t thread = ThreadId();
  for (int tries = 0; tries < kTries && descriptor != nullptr; ++tries) {
    trireme_object* object = FindObject(header, descriptor);
    if (object == nullptr) break;
    // A loop that polls what its task was told EAGAIN for makes it wait.
    if (how == How::kPoll) NoteRegistered(object, wait->direction);
    if (!Enter(object, descriptor->id, wait)) continue;
    if (wait->other == 0) return NoteSelf(*wait, descriptor, thread, how, caller);
    if (ReadsForIt(*wait, thread) || (how != How::kStands && IsBeside(*wait, thread))) return;
    if (how == How::kCall) MarkOverlap(*wait, *descriptor, caller.place);
    switch (ReportMeeting({*wait, *descriptor, caller, how, size})) {
      case Met::kReported:
      case Met::kNobody:
        return;
      case Met::kGone:  // its word must not stand in the way of others for ever
        TakeAway(object, wait->direction, wait->other);
        break;
      case Met::kOther:
        Forget(wait->fd);
        descriptor = LookUp(wait->fd);
        break;
    }
    wait->object = nullptr;
  }
  if (descriptor != nullptr) CountUnseen(header);
}

}  // namespace

void NoteRegistered(trireme_object* object, Direction direction) {
  uint64_t* word = &object->waiters[direction];
  uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
  const Waiter told(now);
  if (now == 0 || told.state() != Waiter::kTold || told.process() != (ProcessId() & 0x3fffff))
    return;
  __atomic_compare_exchange_n(word, &now, told.In(Waiter::kRegistered).word(), false,
                              __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

namespace {

// A process that only reads files needs no recording.
[[gnu::noinline]] bool IsFollowed(int fd) {
  const int error = errno;
  ObjectId id;
  const ObjectKind kind = Identify(fd, &id);
  errno = error;
  return kind > ObjectKind::kIgnored && kind != ObjectKind::kEpoll;
}

void BeginAnyWait(How how, uint64_t size, const Caller& caller, Wait* wait) {
  const Direction direction = wait->direction;
  if (OnlyLooks(direction, caller.flags)) return;
  if (AttachIsPending()) [[unlikely]]
    if (!IsFollowed(wait->fd)) return;
  trireme_header* header = FollowedHeader();
  if (header == nullptr) return;
  ThreadWaits& waits = thread_waits;
  if (waits.told[kRead].object != nullptr) DropLook(waits.told[kRead], kRead);
  if (waits.told[kWrite].object != nullptr) DropLook(waits.told[kWrite], kWrite);
  Descriptor* descriptor = LookUp(wait->fd);
  if (descriptor == nullptr || descriptor->kind == ObjectKind::kEpoll) return;
  if ((descriptor->closed_for >> direction & 1) != 0) return;
  if (how != How::kPoll && waits.inside[direction].object != nullptr) [[unlikely]]
    wait->nested = Interrupts(direction, caller.frame);
  wait->token = Waiter(SelfWord()).Wanting(WantsOne(descriptor->kind, size)).word();
  EnterOrMeet(header, descriptor, how, size, caller, wait);
}

}  // namespace

Wait BeginWait(int fd, Direction direction, How how, uint64_t size, const Caller& caller) {
  Wait wait{.fd = fd, .direction = direction};
  BeginAnyWait(how, size, caller, &wait);
  if (wait.object != nullptr && how == How::kCall && SetsAreShared()) {
    MeetInSet(wait, size, caller);
    MeetAtTwoSets(wait, size, caller);
  }
  return wait;
}

namespace {

// Of a signal handler's call: it does not wait for what it was told EAGAIN, and what it interrupted goes on.
void EndNested(const Wait& wait) {
  Resume(wait.direction);
  if (wait.object == nullptr || wait.other != 0) return;
  const Inside& inside = thread_waits.inside[wait.direction];
  if (inside.object != wait.object) {
    Leave(wait);
    return;
  }
  uint64_t now = wait.token;
  __atomic_compare_exchange_n(&wait.object->waiters[wait.direction], &now, inside.token, false,
                              __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

// `call`: there was one, whose result is worth telling.
[[gnu::noinline]] void EndAnyWait(const Wait& wait, int64_t result, bool call) {
  if (wait.object != nullptr && wait.other == 0) EndOverlap(wait, result);
  if (wait.nested) EndNested(wait);
  if (wait.object == nullptr) return;
  const Waiter self(wait.token);
  if (wait.other == 0 && !wait.nested) {
    thread_waits.inside[wait.direction].object = nullptr;
    if (result == -EAGAIN && !self.is_thread())
      Told(wait, wait.object);
    else if (!Leave(wait))
      LeaveMarked(wait, result);
  } else if (wait.other != 0 && result >= 0 && !Waiter(wait.other).stands() &&
             ReadsForIt(wait, ThreadId())) {
    // A loop read it for its task, which waits no more.
    TakeAway(wait.object, wait.direction, wait.other);
  }
  if (call && __atomic_load_n(&wait.object->events, __ATOMIC_RELAXED) > 1)
    ReportTransfer(wait, result);
}

// Whether a call of the current task has told it EAGAIN, and nobody came since: then it is known how much it asks for.
bool WasTold(int fd, Direction direction) {
  const Held& told = thread_waits.told[direction];
  if (told.object == nullptr) return false;
  const Descriptor* descriptor = KnownDescriptor(fd);
  return descriptor != nullptr && IsObject(told.object, descriptor->id) &&
         Waiter(__atomic_load_n(&told.object->waiters[direction], __ATOMIC_RELAXED))
             .IsSameAs(Waiter(told.token));
}

}  // namespace

void EndWait(const Wait& wait, int64_t result) {
  NoteMoved(result);
  trireme_object* object = wait.object;
  if (object == nullptr && !wait.nested) return;
  if (wait.nested || wait.other != 0 || result == -EAGAIN ||
      __atomic_load_n(&object->events, __ATOMIC_RELAXED) > 1) [[unlikely]]
    return EndAnyWait(wait, result, /*call=*/true);
  thread_waits.inside[wait.direction].object = nullptr;
  if (!Leave(wait)) [[unlikely]]
    LeaveMarked(wait, result);
}

void WaitWithoutCall(int fd, Direction direction, const Caller& caller) {
  if (WasTold(fd, direction)) return NoteRegistered(thread_waits.told[direction].object, direction);
  const Wait wait = BeginWait(fd, direction, How::kCall, kUnknownSize, caller);
  EndAnyWait(wait, -EAGAIN, /*call=*/false);
  if (wait.object != nullptr && wait.other == 0) NoteRegistered(wait.object, direction);
}

void WaitStanding(int fd, bool beside, const Caller& caller) {
  const Wait wait = BeginWait(fd, kRead, How::kStands, kUnknownSize, caller);
  EndAnyWait(wait, -EAGAIN, /*call=*/false);
  if (wait.object == nullptr || wait.other != 0) return;
  const uint64_t told = Waiter(wait.token).In(Waiter::kTold).word();
  const uint64_t registered = Waiter(told).In(Waiter::kRegistered).word();
  const Waiter standing = Waiter(registered).Standing();
  uint64_t* word = &wait.object->waiters[kRead];
  uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
  if (now == told || now == registered)
    __atomic_compare_exchange_n(word, &now, (beside ? standing.SharingThread() : standing).word(),
                                false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

namespace {

// Where somebody has waited, by this descriptor.
const trireme_object* ObjectOf(int fd) {
  trireme_header* header = FollowedHeader();
  const Descriptor* descriptor = header == nullptr ? nullptr : LookUp(fd);
  if (descriptor == nullptr || descriptor->slot == 0) return nullptr;
  const trireme_object* object = ObjectAt(header, descriptor->slot - 1u);
  return object != nullptr && IsObject(object, descriptor->id) ? object : nullptr;
}

}  // namespace

uint32_t StandingReaderOf(int fd) {
  const trireme_object* object = ObjectOf(fd);
  if (object == nullptr) return 0;
  const Waiter reader(__atomic_load_n(&object->waiters[kRead], __ATOMIC_RELAXED));
  return reader.stands() && reader.process() == (ProcessId() & 0x3fffff) ? reader.task() : 0;
}

bool OtherTaskWasTold(int fd, Direction direction) {
  const trireme_object* object = ObjectOf(fd);
  if (object == nullptr) return false;
  const Waiter told(__atomic_load_n(&object->waiters[direction], __ATOMIC_RELAXED));
  return told.word() != 0 && told.state() != Waiter::kInside && !told.is_thread() &&
         told.task() != CurrentTask() && told.process() == (ProcessId() & 0x3fffff) &&
         object->threads[direction] == ThreadId();
}

bool CurrentTaskWasTold() {
  return thread_waits.told[kRead].object != nullptr || thread_waits.told[kWrite].object != nullptr;
}

void EndPoll(int fd, Direction direction) {
  trireme_header* header = FollowedHeader();
  Descriptor* descriptor = header == nullptr ? nullptr : LookUp(fd);
  if (descriptor == nullptr || descriptor->kind == ObjectKind::kEpoll || descriptor->slot == 0)
    return;
  trireme_object* object = ObjectAt(header, descriptor->slot - 1);
  if (object == nullptr || !IsObject(object, descriptor->id)) return;
  if (thread_waits.inside[direction].object == object) return;  // a signal handler's, inside a call
  TakeAway(object, direction,
           Waiter(Waiter::kInside, ProcessId(), CurrentTask(), ThreadId(), false).word());
}

void SwitchWaits(uint32_t before, uint32_t next) {
  trireme_header* header = FollowedHeader();
  if (header == nullptr) return;
  if (before != 0) ParkTask(header, before);
  if (next != 0) UnparkTask(header, next);
}

void EndWaitsOf(uint32_t task) {
  trireme_header* header = FollowedHeader();
  if (header == nullptr) return;
  if (task == CurrentTask())
    for (const Direction direction : kDirections) Drop(thread_waits.told[direction], direction);
  UnparkTask(header, task);
}

void ForgetWaits() {
  thread_waits = {};
  ForgetSetPollers();
  ForgetTwoSets();
  ++generation;
}

void EndWaitsOfProcess(trireme_header* header) {
  const uint32_t process = ProcessId();
  for (uint64_t i = 0; i < header->objects; ++i) {
    trireme_object* object = ObjectAt(header, static_cast<uint32_t>(i));
    for (const Direction direction : kDirections) {
      uint64_t now = __atomic_load_n(&object->waiters[direction], __ATOMIC_RELAXED);
      if (now != 0 && Waiter(now).process() == (process & 0x3fffff))
        __atomic_compare_exchange_n(&object->waiters[direction], &now, 0, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED);
    }
    if (object->epoll != 0 && object->epoll_process == process)
      __atomic_store_n(&object->epoll, 0, __ATOMIC_SEQ_CST);
  }
}

}  // namespace trireme
