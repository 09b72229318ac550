#ifndef TRIREME_HARNESS_PROBE_MEETING_H_
#define TRIREME_HARNESS_PROBE_MEETING_H_

#include "harness/probe/waits.h"

namespace trireme {

// A task that found another one waiting for the same object.
struct Meeting {
  Wait wait;
  Descriptor descriptor;
  Caller caller;
  How how{};
  uint64_t size = 0;
  Holding other{};  // of one who is in no call of the object, but in whose epoll set it is
  const void* other_place = nullptr;  // where that one waits for the set
};

enum class Met {
  kReported,  // and recorded, where the object still has events to give
  kNobody,    // the other one does not wait, or may share
  kGone,      // nor will it ever: its process or thread is no more
  kOther      // one of the two descriptors no longer is that object
};

// Whether they really meet, asked of the kernel, and if so a SOCKET event. Cold: system calls, and stacks.
Met ReportMeeting(const Meeting& meeting);
// Two epoll sets hold the object for reading. False: the process of the other one is gone.
bool ReportTwoSets(const Meeting& meeting);
// Another thread waits for the set `set` that holds the object, or, with -1, was told of something there and has not
// waited since. False: it does so no more.
bool ReportSharedSet(const Meeting& meeting, int set);
// The same of another thread in an epoll set of its own, which holds the object too.
bool ReportTwoPolledSets(const Meeting& meeting, int set);
// Both threads were inside a call that read it at once, of which neither need have waited.
void ReportOverlap(const Meeting& meeting);
// What a call moved, on an object where two have met.
void ReportTransfer(const Wait& wait, int64_t result);

// Writes {"stack": [...], "other_stack": [...]} without the braces, of the calling thread and of a task or thread, into
// `place`; the bytes written, or kOtherIsGone: that task was told to stop, and waits no more. Null where no interpreter
// gave one.
constexpr uint64_t kOtherIsGone = ~uint64_t{0};
using StackSource = uint64_t (*)(uint32_t other_task, uint32_t other_thread, char* place,
                                 uint64_t size);
void SetStackSource(StackSource source);
// The same of a runtime in C++, which knows its own tasks: trireme_probe_api.set_stack_source.
using TaskStackSource = uint64_t (*)(uint32_t other_task, char* place, uint64_t size);
void SetTaskStackSource(TaskStackSource source);
// After fork.
void ForgetMeetings();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_MEETING_H_
