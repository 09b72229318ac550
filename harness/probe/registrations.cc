#include "harness/probe/registrations.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/connections.h"
#include "harness/probe/lanes.h"
#include "harness/probe/loops.h"
#include "harness/probe/meeting.h"
#include "harness/probe/objects.h"
#include "harness/probe/postponed.h"
#include "harness/probe/recorder.h"
#include "harness/probe/set_pollers.h"
#include "harness/probe/two_sets.h"
#include "harness/probe/waiter.h"
#include "harness/probe/waits.h"

namespace trireme {
namespace {

// Puts a set into the object where none is, or one that counts for less: told of changes only, of this process or, for a set
// that is told for as long as there is something, of any. False: `now` is there.
bool HoldBySet(trireme_header* header, trireme_object* object, const ObjectId& id, uint32_t set,
               uint32_t* now) {
  *now = __atomic_load_n(&object->epoll, __ATOMIC_SEQ_CST);
  const uint32_t holder = object->epoll_process;
  const bool ours = holder == ProcessId();
  const bool gives_way = (*now & TRIREME_EDGE) != 0 && (ours || (set & TRIREME_EDGE) == 0);
  if (*now != 0 && !gives_way) return false;
  if (!__atomic_compare_exchange_n(&object->epoll, now, set, false, __ATOMIC_SEQ_CST,
                                   __ATOMIC_RELAXED))
    return false;
  object->epoll_process = ProcessId();
  NoteHeld(header, object);
  if (*now != 0 && !ours) NoteHeldElsewhere(id, holder);
  return true;
}

// Two epoll sets that both tell, for as long as it can be read, that this object can: two loops will read it.
void NoteEpoll(trireme_header* header, Descriptor* descriptor, int fd, uint32_t set,
               const void* caller) {
  trireme_object* object = FindObject(header, descriptor);
  if (object == nullptr) return CountUnseen(header);
  uint32_t now = 0;
  if (HoldBySet(header, object, descriptor->id, set, &now) || now == set) return;
  const Holding other =
      object->epoll_process == ProcessId() ? HoldingOf(now, descriptor->id) : Holding{};
  const Waiter first(Waiter::kRegistered, ProcessId(), 0, other.thread, false);
  const Wait wait{
      .object = object,
      .token = Waiter(Waiter::kRegistered, ProcessId(), CurrentTask(), ThreadId(), false).word(),
      .other = other.thread == 0 ? 0 : first.word(),
      .fd = fd};
  if (ReportTwoSets({wait, *descriptor, {caller, 0}, How::kPoll, kUnknownSize, other})) return;
  // That process is gone, and its set with it.
  __atomic_compare_exchange_n(&object->epoll, &now, set, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
  object->epoll_process = ProcessId();
  NoteHeld(header, object);
}

bool IsGone(uint32_t process) {
  const int error = errno;
  const bool gone = syscall(SYS_kill, process, 0) != 0 && errno == ESRCH;
  errno = error;
  return gone;
}

// The same where this one is told of changes only. What finds no place is not followed.
void NoteEdge(trireme_header* header, Descriptor* descriptor, uint32_t set) {
  trireme_object* object = FindObject(header, descriptor);
  uint32_t now = 0;
  if (object == nullptr || HoldBySet(header, object, descriptor->id, set, &now)) return;
  const uint32_t process = object->epoll_process;
  if (process == ProcessId()) return;
  if ((now & TRIREME_EDGE) != 0 && IsGone(process) &&
      __atomic_compare_exchange_n(&object->epoll, &now, set, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_RELAXED))
    object->epoll_process = ProcessId();
  else
    NoteSharedSets();
}

void LeaveEpoll(Descriptor* descriptor) {
  trireme_object* object = FindObject(FollowedHeader(), descriptor);
  uint32_t now = descriptor->epoll;
  // A forked child's descriptors say what its parent put there, which stays.
  if (object != nullptr && object->epoll_process == ProcessId())
    __atomic_compare_exchange_n(&object->epoll, &now, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
  descriptor->epoll = 0;
}

// What trireme_object says of a set that holds it so; 0: nothing.
uint32_t HeldAs(const Descriptor& descriptor, uint32_t set, bool tells_all, bool for_reads,
                uint32_t events) {
  if (!tells_all) return 0;
  if ((events & EPOLLET) == 0) return set;
  return for_reads && descriptor.kind == ObjectKind::kStream ? set | TRIREME_EDGE : 0;
}

}  // namespace

void NoteRegistration(int epoll_fd, int operation, int fd, uint32_t events, const void* caller) {
  trireme_header* header = FollowedHeader();
  if (header == nullptr) return;
  Descriptor* descriptor = LookUp(fd);
  Descriptor* set = LookUp(epoll_fd);
  if (descriptor == nullptr || set == nullptr || descriptor->kind == ObjectKind::kEpoll) return;
  const bool gone = operation == EPOLL_CTL_DEL;
  const bool reads = !gone && (events & EPOLLIN) != 0 && (descriptor->closed_for & 1) == 0;
  const bool writes = !gone && (events & EPOLLOUT) != 0 && (descriptor->closed_for & 2) == 0;
  descriptor->registered = static_cast<uint8_t>((reads ? 1 : 0) | (writes ? 2 : 0));
  const bool tells_all = reads && (events & (EPOLLONESHOT | EPOLLEXCLUSIVE)) == 0;
  const bool for_reads = (events & (EPOLLOUT | EPOLLPRI)) == 0;
  const uint32_t held = HeldAs(*descriptor, set->epoll, tells_all, for_reads, events);
  const bool was_held = (descriptor->epoll & ~TRIREME_EDGE) == set->epoll;
  if (was_held && descriptor->epoll != held) LeaveEpoll(descriptor);
  if (tells_all)
    NoteHeldBySet(descriptor->id, fd, set->epoll, for_reads);
  else
    NoteLeftSet(descriptor->id, set->epoll);
  if (reads || writes) set->thread = ThreadId();
  if (held != 0 && descriptor->epoll != held) {
    if (descriptor->epoll == 0) descriptor->epoll = held;
    if ((held & TRIREME_EDGE) == 0)
      NoteEpoll(header, descriptor, fd, held, caller);
    else
      NoteEdge(header, descriptor, held);
  }
  trireme_object* object = reads || writes ? FindObject(header, descriptor) : nullptr;
  if (object == nullptr) return;
  if (reads) NoteRegistered(object, kRead);
  if (writes) NoteRegistered(object, kWrite);
}

void NoteClose(int fd) {
  if (ActivePlan() != nullptr && !IsVforked()) {
    if (fd >= 0) SendPostponedBeforeCloseOf(static_cast<unsigned>(fd), static_cast<unsigned>(fd));
    CloseEnd(fd);
  }
  Descriptor* descriptor = KnownDescriptor(fd);
  if (descriptor == nullptr) return;
  if (IsVforked()) return;
  if (FollowedHeader() != nullptr && descriptor->epoll != 0) {
    if (descriptor->kind == ObjectKind::kEpoll)
      ForEachIn(descriptor->epoll, LeaveEpoll);
    else
      LeaveEpoll(descriptor);
  }
  Forget(fd);
}

void NoteCloseRange(unsigned first, unsigned last) {
  if (IsVforked()) return;
  const bool planned = ActivePlan() != nullptr;
  if (planned) SendPostponedBeforeCloseOf(first, last);
  for (unsigned i = first; i <= last && i < kDescriptors; ++i) {
    const auto fd = static_cast<int>(i);
    if (KnownDescriptor(fd) != nullptr || (planned && EndOf(fd).connection != nullptr))
      NoteClose(fd);
  }
}

}  // namespace trireme
