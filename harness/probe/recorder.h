#ifndef TRIREME_HARNESS_PROBE_RECORDER_H_
#define TRIREME_HARNESS_PROBE_RECORDER_H_

#include <stdint.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// Bytes that somebody else owns.
struct Bytes {
  const void* data = nullptr;
  uint64_t size = 0;
};

// An event but for its time and process, which Record() adds.
struct Entry {
  uint16_t kind = 0;
  uint16_t type = TRIREME_NONE;
  uint32_t task = 0;
  uint32_t thread = 0;  // 0: the calling one
  uint64_t id = 0;
  Bytes key;
  Bytes value;
};

// What the functions of probe_abi.h do; see there. All of them are safe in any thread, signal
// handler and forked child, allocate nothing and leave errno alone.
int Attach(const char* path);
bool Attached();
void Record(const Entry& entry);
uint32_t NewTask();
uint64_t NewOperation();
uint32_t CurrentTask();
// The same, or the task that the calling thread, which runs none, serves. 0: none.
uint32_t CurrentOrServedTask();
void ServeTask(uint32_t task);
void SetTask(uint32_t task);
// The same where that is no step of a loop.
void SetTaskOfNoLoop(uint32_t task);
const uint8_t* Plan(uint32_t* size);
uint64_t Now();
uint32_t ProcessId();
uint32_t ThreadId();
// The word of the calling thread's current task as a waiter inside a call; see waiter.h.
uint64_t SelfWord();
// Whether this is a child by vfork, which has its parent's memory, but descriptors of its own. A system call.
bool IsVforked();
// Whether TRIREME_WATCH was set when the library was loaded.
bool IsWatched();
void SetWatched();
// Whether the program that this process becomes may open the recording: it may have given its rights up. A system call.
bool MayBeOpened();
// That user may open the recording from now on, also in what is started later. REQUIRES: root.
void GiveRecordingTo(uint32_t user);
// To be called before this process, or one that it limits, may write no file as large: see Recording::GrowAhead.
void GrowRecordingAhead();
// Whether events of that kind are not recorded at this moment.
bool IsLeftOut(uint16_t kind);
// Where the waits of this process are followed; nullptr when they are not.
trireme_header* FollowedHeader();
// The same without opening a file: null where it has not been opened yet.
trireme_header* FollowedHeaderNow();
// Of the recording that this process is attached to; nullptr: none yet.
const trireme_header* AttachedHeader();
// In a copy of the process that is no part of the trial.
void StopRecordingHere();
// Of this process nothing is recorded, followed or attached to any more, and from then on the probe makes no system call of its own
// in it; what it starts in its environment does not record either. That, and `why`, is recorded first: the trial is unknown.
void StopForGood(const char* why);
bool IsStoppedForGood();
// Whether FollowedHeader() would attach: a caller may want to know first that it is worth it.
bool AttachIsPending();
// Of the recording that the first event attaches to; nullptr: there is none, or it is attached.
const char* PendingPath();

// Once, when the library is loaded: the first event attaches to `path`. nullptr or "": nothing is
// recorded until Attach().
void AttachLater(const char* path);
// In the child, right after fork.
void ContinueInChild();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_RECORDER_H_
