#include "harness/probe/two_sets.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/atomic_words.h"
#include "harness/probe/meeting.h"
#include "harness/probe/other_process.h"
#include "harness/probe/recorder.h"
#include "harness/probe/set_pollers.h"
#include "harness/probe/waiter.h"

namespace trireme {
namespace {

// By a hash of the object: where two share a place, the newer one is followed. All are atomic.
struct HeldObject {
  uint64_t inode;  // 0: free, or about to be another's
  uint32_t device;
  uint32_t sets[2];   // their numbers; 0: none
  int fds[2];         // by which descriptor each holds it
  bool for_reads[2];  // and for nothing else
  uint32_t reader;    // the thread that read it last
  uint32_t came;      // the one that last came while another, `found`, waited in its set
  uint32_t found;
  uint32_t elsewhere;  // a process with a set that gave way to one of ours
  uint32_t looked;     // how often for a thread of another process
};

constexpr uint64_t kHeldObjects = 4096;
HeldObject held_objects[kHeldObjects];
bool any_held = false;

HeldObject* HeldPlaceOf(const ObjectId& id) {
  const uint64_t mixed = (id.inode ^ (uint64_t{id.device} << 32)) * 0x9e3779b97f4a7c15u;
  return &held_objects[mixed >> 52];
}

bool IsHeldOf(const HeldObject& held, const ObjectId& id) {
  return LoadWord(held.inode) == id.inode && LoadWord(held.device) == id.device;
}

void TakeHeldFor(HeldObject& held, const ObjectId& id) {
  StoreWord(held.inode, uint64_t{0});
  StoreWord(held.device, id.device);
  for (uint32_t& set : held.sets) StoreWord(set, 0u);
  StoreWord(held.reader, 0u);
  StoreWord(held.came, 0u);
  StoreWord(held.found, 0u);
  StoreWord(held.elsewhere, 0u);
  StoreWord(held.looked, 0u);
  StoreWord(held.inode, id.inode);
}

bool ReplaceSet(uint32_t& place, uint32_t before, uint32_t now) {
  return __atomic_compare_exchange_n(&place, &before, now, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED);
}

// Which of its places is that of the set; -1: none.
int PlaceOfSet(const HeldObject& held, uint32_t set) {
  if (set == 0) return -1;
  return LoadWord(held.sets[0]) == set ? 0 : LoadWord(held.sets[1]) == set ? 1 : -1;
}

// Whoever registers for reading alone says that it will read. Others register for all that may ever happen.
bool BothAreForReads(const HeldObject& held) {
  return LoadWord(held.for_reads[0]) && LoadWord(held.for_reads[1]);
}

// Whether both have read it now, the one that comes and the other one that waits.
bool BothRead(HeldObject& held, uint32_t thread, uint32_t other) {
  const uint32_t before = LoadWord(held.reader);
  StoreWord(held.reader, thread);
  if (before == thread) return false;
  if (before == other && LoadWord(held.came) == other && LoadWord(held.found) == thread)
    return true;
  StoreWord(held.found, other);
  StoreWord(held.came, before == other ? thread : 0u);
  return false;
}

// To look through another process's threads takes long: the less often, the more often nobody waited there.
bool LooksAgain(HeldObject& held) {
  const uint32_t looked = LoadWord(held.looked) + 1;
  StoreWord(held.looked, looked);
  return (looked & (looked - 1)) == 0;
}

// One change wakes the threads of both sets, so that the other one may be about to wait again while this one reads.
PollerElsewhere AwaitPollerIn(uint32_t process, const ObjectId& id) {
  constexpr int kLooks = 16;
  int threads = 64;  // that are looked at, each for some 10 to 50 us, while the program waits
  PollerElsewhere found;
  for (int look = 0; look < kLooks && threads > 0 && found.thread == 0; ++look) {
    if (look != 0) syscall(SYS_sched_yield);
    found = FindPollerIn(process, id, &threads);
  }
  return found;
}

// The set that holds it for reading alone too is one of another process.
void MeetElsewhere(const Wait& wait, const Descriptor& descriptor, uint64_t size,
                   const Caller& caller, HeldObject& held) {
  const uint32_t holder = wait.object->epoll_process;
  const bool elsewhere = LoadWord(wait.object->epoll) != 0 && holder != ProcessId();
  const uint32_t process = elsewhere ? holder : LoadWord(held.elsewhere);
  if (process == 0 || !LooksAgain(held)) return;
  const int error = errno;
  const PollerElsewhere other = AwaitPollerIn(process, descriptor.id);
  errno = error;
  if (other.thread == 0) return;
  Meeting meeting{.wait = wait,
                  .descriptor = descriptor,
                  .caller = caller,
                  .how = How::kCall,
                  .size = size,
                  .other = {other.fd, other.thread}};
  meeting.wait.other = Waiter(Waiter::kInside, process, 0, other.thread, false).word();
  ReportTwoPolledSets(meeting, other.set);
}

void ReportBothReaders(const Wait& wait, const Descriptor& descriptor, uint64_t size,
                       const Caller& caller, int fd, const OtherPoller& other) {
  Meeting meeting{.wait = wait,
                  .descriptor = descriptor,
                  .caller = caller,
                  .how = How::kCall,
                  .size = size,
                  .other = {fd, other.thread},
                  .other_place = other.place};
  meeting.wait.other =
      Waiter(Waiter::kInside, ProcessId(), other.task, other.thread, false).word();
  ReportTwoPolledSets(meeting, other.waits_in);
}

}  // namespace

void NoteHeldBySet(const ObjectId& id, int fd, uint32_t set, bool for_reads) {
  HeldObject& held = *HeldPlaceOf(id);
  if (!IsHeldOf(held, id)) TakeHeldFor(held, id);
  __atomic_store_n(&any_held, true, __ATOMIC_RELAXED);
  int place = PlaceOfSet(held, set);
  for (int free = 0; place < 0 && free < 2; ++free)
    if (ReplaceSet(held.sets[free], 0, set)) place = free;
  // A set that was closed leaves what it held without a word.
  for (int old = 0; place < 0 && old < 2; ++old)
    if (const uint32_t before = LoadWord(held.sets[old]); !IsPolled(before))
      if (ReplaceSet(held.sets[old], before, set)) place = old;
  if (place < 0) return;  // two that hold it already are enough
  StoreWord(held.fds[place], fd);
  StoreWord(held.for_reads[place], for_reads);
  if (LoadWord(held.sets[1 - place]) != 0) NoteSharedSets();
}

void NoteHeldElsewhere(const ObjectId& id, uint32_t process) {
  HeldObject& held = *HeldPlaceOf(id);
  if (!IsHeldOf(held, id)) return;
  StoreWord(held.elsewhere, process);
  NoteSharedSets();
}

void NoteLeftSet(const ObjectId& id, uint32_t set) {
  HeldObject& held = *HeldPlaceOf(id);
  if (!IsHeldOf(held, id)) return;
  for (uint32_t& place : held.sets) ReplaceSet(place, set, 0);
  StoreWord(held.came, 0u);
}

void MeetAtTwoSets(const Wait& wait, uint64_t size, const Caller& caller) {
  if (wait.direction != kRead || wait.nested || wait.other != 0) return;
  const Descriptor* known = KnownDescriptor(wait.fd);
  if (known == nullptr || known->kind != ObjectKind::kStream) return;
  const Descriptor descriptor = *known;  // another thread may close it meanwhile
  HeldObject& held = *HeldPlaceOf(descriptor.id);
  if (!IsHeldOf(held, descriptor.id)) return;
  const int place = PlaceOfSet(held, OwnSet());
  // Who has met there is recorded already.
  if (place < 0 || LoadWord(wait.object->events) != 0) return;
  const uint32_t set = LoadWord(held.sets[1 - place]);
  if (LoadWord(held.for_reads[place])) MeetElsewhere(wait, descriptor, size, caller, held);
  if (set == 0 || LoadWord(wait.object->events) != 0) return;
  OtherPoller other;
  const bool waited = WaitedBesideThis(set, &other);
  const bool both_read = BothRead(held, ThreadId(), other.thread);
  if (waited && (both_read || BothAreForReads(held)))
    ReportBothReaders(wait, descriptor, size, caller, LoadWord(held.fds[1 - place]), other);
}

void ForgetTwoSets() {
  if (!__atomic_exchange_n(&any_held, false, __ATOMIC_RELAXED)) return;
  for (HeldObject& held : held_objects)
    if (held.inode != 0) held = {};
}

}  // namespace trireme
