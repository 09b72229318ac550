#include "harness/probe/overlaps.h"

#include "harness/probe/atomic_words.h"
#include "harness/probe/meeting.h"
#include "harness/probe/objects.h"
#include "harness/probe/recorder.h"
#include "harness/probe/waiter.h"

namespace trireme {
namespace {

// Who came second, by the place of the object; all are atomic. Where two come at once either is told of.
struct Second {
  uint64_t word;
  const void* place;
  uint32_t thread;
  int fd;
};
Second seconds_of[TRIREME_MOST_OBJECTS];

// Null in a recording of another make, which has more.
Second* SecondAt(const trireme_object* object) {
  const auto index = static_cast<uint64_t>(object - ObjectAt(FollowedHeader(), 0));
  return index < TRIREME_MOST_OBJECTS ? &seconds_of[index] : nullptr;
}

}  // namespace

void MarkOverlap(const Wait& wait, const Descriptor& descriptor, const void* place) {
  trireme_object* object = wait.object;
  const Waiter first(wait.other);
  Second* second = SecondAt(object);
  if (second == nullptr || wait.direction != kRead || descriptor.kind != ObjectKind::kStream ||
      first.state() != Waiter::kInside || first.process() != (ProcessId() & 0x3fffff) ||
      object->threads[kRead] == ThreadId() || LoadWord(object->events) != 0)
    return;
  StoreWord(second->word, wait.token);
  StoreWord(second->place, place);
  StoreWord(second->thread, ThreadId());
  StoreWord(second->fd, wait.fd);
  uint64_t now = wait.other;
  __atomic_compare_exchange_n(&object->waiters[kRead], &now, first.Overlapped().word(), false,
                              __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

void EndOverlap(const Wait& wait, int64_t result) {
  trireme_object* object = wait.object;
  uint64_t now = __atomic_load_n(&object->waiters[wait.direction], __ATOMIC_ACQUIRE);
  if (!Waiter(now).overlapped() || !Waiter(now).IsSameAs(Waiter(wait.token))) return;
  __atomic_compare_exchange_n(&object->waiters[wait.direction], &now,
                              Waiter(now).NotOverlapped().word(), false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
  const Second* second = SecondAt(object);
  const Descriptor* descriptor = KnownDescriptor(wait.fd);
  // The second one may have found that this one waited, and told of both.
  if (result <= 0 || second == nullptr || descriptor == nullptr || LoadWord(object->events) != 0)
    return;
  Meeting meeting{.wait = wait,
                  .descriptor = *descriptor,
                  .caller = {LoadWord(descriptor->places[kRead]), 0},
                  .how = How::kCall,
                  .size = kUnknownSize,
                  .other = {LoadWord(second->fd), LoadWord(second->thread)},
                  .other_place = LoadWord(second->place)};
  meeting.wait.other = LoadWord(second->word);
  ReportOverlap(meeting);
}

}  // namespace trireme
