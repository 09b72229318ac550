#ifndef TRIREME_HARNESS_PROBE_PROCESS_PATH_H_
#define TRIREME_HARNESS_PROBE_PROCESS_PATH_H_

#include "harness/probe/probe_abi.h"

namespace trireme {

// Where this process is in the tree of those that the trial started: "" for the first, "/2" for the second that it
// started, "/2/1" for the first of that one. It tells the connections of two processes apart, and is the same in each run
// where a process starts others one after the other. Known where a plan is followed.
//
// The order is that of fork, vfork, posix_spawn, system and popen, in each process by itself. What a process is after
// exec it was before.
//
// Thread safety: any threads and forked children; nothing waits or allocates.
const char* ProcessPath();

// The runner has attached this process, or (false) one by the file that its environment names, which exec may have made.
void BeginFirstProcess();
void TakeProcessPath();

// This thread is about to fork, and then: what it forked, before anything else happens there.
void NumberNextProcess();
void ContinuePathInChild();

// Before this process, or the child by vfork that has its memory, becomes another program.
void HandOverProcessPath();

// While it lives, this thread starts a process that runs no code of ours before another program: that one finds its path.
class ProcessStart {
 public:
  ProcessStart();
  ~ProcessStart();
  ProcessStart(const ProcessStart&) = delete;
  ProcessStart& operator=(const ProcessStart&) = delete;

  // Who it is, where the C library says so: from then on nobody else takes its path.
  void BecameProcess(int process);
  // It lives on, and may not have come to ask yet: its path stays for it.
  void LivesOn() { lives_on_ = true; }

 private:
  trireme_start* place_ = nullptr;
  unsigned key_ = 0;
  bool lives_on_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PROCESS_PATH_H_
