#include "harness/probe/set_pollers.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/atomic_words.h"
#include "harness/probe/meeting.h"
#include "harness/probe/objects.h"
#include "harness/probe/recorder.h"
#include "harness/probe/waiter.h"

namespace trireme {

// All are atomic. Moments are counted, not measured, and only once two threads wait in one set: a loop that has its set
// for itself pays for plain stores.
struct SetPoller {
  uint32_t thread;  // 0: free
  uint32_t task;
  uint32_t set;  // its number; 0: none yet
  int fd;
  uint64_t began, ended;  // its newest wait; ended 0: it lasts
  const void* place;
  bool told;  // of something
};

bool sets_are_shared = false;

namespace {

constexpr uint32_t kPollers = 256;
constexpr uint32_t kHeld = TRIREME_MOST_OBJECTS;
SetPoller pollers[kPollers];
constexpr uint64_t kBefore = 1;  // the moment of all that was before they are counted
uint64_t moment = kBefore;
uint64_t held_since[kHeld];  // by the place of the object
thread_local SetPoller* own_entry = nullptr;

uint64_t NextMoment() {
  return SetsAreShared() ? __atomic_add_fetch(&moment, 1, __ATOMIC_SEQ_CST) : kBefore;
}

bool Lives(uint32_t thread) {
  return syscall(SYS_tgkill, ProcessId(), thread, 0) == 0 || errno != ESRCH;
}

// Takes a place that is free, or that of a thread which is no more.
[[gnu::noinline]] SetPoller* TakeEntry(uint32_t thread) {
  const int error = errno;
  SetPoller* taken = nullptr;
  for (uint32_t i = 0; i < 2 * kPollers && taken == nullptr; ++i) {
    SetPoller* entry = &pollers[(thread + i) % kPollers];
    uint32_t holder = LoadWord(entry->thread);
    if (holder != 0 && holder != thread && (i < kPollers || Lives(holder))) continue;
    if (__atomic_compare_exchange_n(&entry->thread, &holder, thread, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
      taken = entry;
  }
  errno = error;
  return taken;
}

// Stands for those of threads that there was no place for: they are counted, and not followed.
SetPoller no_place;

SetPoller* OwnEntry() {
  if (own_entry == &no_place) return nullptr;
  const uint32_t thread = ThreadId();
  if (own_entry != nullptr && LoadWord(own_entry->thread) == thread) return own_entry;
  own_entry = TakeEntry(thread);
  if (own_entry != nullptr) return own_entry;
  own_entry = &no_place;
  if (trireme_header* header = FollowedHeader(); header != nullptr) CountUnseen(header);
  return nullptr;
}

// Whether both waited at once in the set when it held the object already, or `other` does so now.
bool WaitedToo(const SetPoller& own, const SetPoller& other, uint64_t since) {
  const uint64_t ended = LoadWord(other.ended);
  if (ended == 0) return true;
  return LoadWord(other.told) && ended > since && ended > LoadWord(own.began) &&
         LoadWord(other.began) < LoadWord(own.ended);
}

}  // namespace

SetPoll::SetPoll(int set, bool waits, const void* caller) {
  Descriptor* descriptor = waits ? KnownDescriptor(set) : nullptr;
  if (descriptor == nullptr || descriptor->kind != ObjectKind::kEpoll) return;
  SetPoller* entry = OwnEntry();
  if (entry == nullptr) return;
  const uint32_t before = LoadWord(descriptor->poller);
  if (before != entry->thread) {
    if (before != 0) NoteSharedSets();
    StoreWord(descriptor->poller, entry->thread);
  }
  StoreWord(entry->set, 0u);  // what follows is of another wait, which may be in another set
  StoreWord(entry->task, CurrentTask());
  StoreWord(entry->fd, set);
  StoreWord(entry->place, caller);
  StoreWord(entry->began, NextMoment());
  StoreWord(entry->ended, uint64_t{0});
  StoreWord(entry->set, descriptor->epoll);
  entry_ = entry;
}

void SetPoll::End(int result) const {
  if (entry_ == nullptr) return;
  StoreWord(entry_->told, result > 0);
  StoreWord(entry_->ended, NextMoment());
}

void NoteSharedSets() { __atomic_store_n(&sets_are_shared, true, __ATOMIC_RELAXED); }

uint32_t OwnSet() {
  const SetPoller* own = own_entry;
  return own == nullptr || LoadWord(own->thread) != ThreadId() || LoadWord(own->ended) == 0
             ? 0
             : LoadWord(own->set);
}

bool IsPolled(uint32_t set) {
  for (const SetPoller& entry : pollers)
    if (LoadWord(entry.thread) != 0 && LoadWord(entry.set) == set) return true;
  return false;
}

bool WaitedBesideThis(uint32_t set, OtherPoller* other) {
  for (const SetPoller& entry : pollers) {
    const uint32_t thread = LoadWord(entry.thread);
    if (thread == 0 || &entry == own_entry || LoadWord(entry.set) != set) continue;
    if (!WaitedToo(*own_entry, entry, /*since=*/0) || LoadWord(entry.set) != set) continue;
    *other = {.thread = thread,
              .task = LoadWord(entry.task),
              .waits_in = LoadWord(entry.ended) == 0 ? LoadWord(entry.fd) : -1,
              .place = LoadWord(entry.place)};
    return true;
  }
  return false;
}

void NoteHeld(trireme_header* header, const trireme_object* object) {
  const auto index = static_cast<uint64_t>(object - ObjectAt(header, 0));
  if (index < kHeld) StoreWord(held_since[index], NextMoment());
}

void MeetInSet(const Wait& wait, uint64_t size, const Caller& caller) {
  const trireme_object* object = wait.object;
  const SetPoller* own = own_entry;
  if (wait.direction != kRead || wait.nested || wait.other != 0 || own == nullptr) return;
  const uint32_t set = LoadWord(object->epoll);
  // Who has met there is recorded already.
  if (set == 0 || LoadWord(object->events) != 0 || object->epoll_process != ProcessId()) return;
  if (LoadWord(own->thread) != ThreadId() || LoadWord(own->set) != set) return;
  if (LoadWord(own->ended) == 0) return;
  const Descriptor* descriptor = KnownDescriptor(wait.fd);
  if (descriptor == nullptr || descriptor->kind != ObjectKind::kStream) return;
  const auto index = static_cast<uint64_t>(object - ObjectAt(FollowedHeader(), 0));
  const uint64_t since = index < kHeld ? LoadWord(held_since[index]) : ~uint64_t{0};
  for (const SetPoller& other : pollers) {
    const uint32_t thread = LoadWord(other.thread);
    if (thread == 0 || &other == own || LoadWord(other.set) != set) continue;
    if (!WaitedToo(*own, other, since) || LoadWord(other.set) != set) continue;
    Meeting meeting{.wait = wait,
                    .descriptor = *descriptor,
                    .caller = caller,
                    .how = How::kCall,
                    .size = size,
                    .other = {wait.fd, thread},
                    .other_place = LoadWord(other.place)};
    meeting.wait.other =
        Waiter(Waiter::kInside, ProcessId(), LoadWord(other.task), thread, false).word();
    if (ReportSharedSet(meeting, LoadWord(other.ended) == 0 ? LoadWord(other.fd) : -1)) return;
  }
}

void ForgetSetPollers() {
  for (SetPoller& poller : pollers)
    if (poller.thread != 0) poller = {};
  __atomic_store_n(&sets_are_shared, false, __ATOMIC_RELAXED);
}

}  // namespace trireme
