#ifndef TRIREME_HARNESS_PROBE_OWN_THREAD_H_
#define TRIREME_HARNESS_PROBE_OWN_THREAD_H_

#include <stdint.h>

namespace trireme {

// By this name whoever counts the threads of a process knows those that are ours.
constexpr const char* kOwnThreadName = "trireme-watch";

// Starts a detached thread of ours: all signals blocked, a small stack. False when there is none to be had.
bool StartOwnThread(void* (*run)(void*));
// Names the calling thread.
void NameOwnThread();
// How many of them run.
int OwnThreads();
// Said by one that ends.
void OwnThreadEnds();
void ForgetOwnThreads();

constexpr uint64_t kMillisecond = 1000000;  // nanoseconds
void SleepFor(uint64_t nanoseconds);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OWN_THREAD_H_
