#include "harness/probe/loops.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "harness/probe/clock_faults.h"
#include "harness/probe/keep_errno.h"
#include "harness/probe/loop_watcher.h"
#include "harness/probe/python_frames.h"
#include "harness/probe/recorder.h"
#include "harness/probe/thread_end.h"

namespace trireme {

Loop loops[kLoops];
bool loops_watched = false;

namespace {

// What is known of this thread.
struct LoopThread {
  Loop* loop = nullptr;
  uint32_t unended = 0;  // the task that it ran last, if that has not ended
  bool polled = false;   // while it ran no task
  bool refused = false;  // the table was full
  bool end_noticed = false;
  bool told = false;  // that it is watched
};

thread_local LoopThread loop_thread;
uint64_t moved_bytes = 0;
bool any_asked = false;  // atomic: some loop is
bool any_loop =
    false;  // atomic: there ever was one, in this process or one that it was forked from

// A few nanoseconds, where the clock of the records takes twenty: the kernel's last tick.
uint64_t RoughNow() {
  struct timespec time;
  TrueClock(CLOCK_MONOTONIC_COARSE, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

void Add(uint64_t& count, uint64_t more) {
  __atomic_store_n(&count, count + more, __ATOMIC_RELAXED);
}

void Step(Loop& loop, uint32_t task, bool waits) {
  __atomic_store_n(&loop.task, task, __ATOMIC_RELAXED);
  __atomic_store_n(&loop.since, RoughNow(), __ATOMIC_RELAXED);
  __atomic_store_n(&loop.step, (loop.step | 1) + (waits ? 2 : 1), __ATOMIC_RELEASE);
}

void LeaveTable(void* state) {
  auto* thread = static_cast<LoopThread*>(state);
  if (thread->loop != nullptr) __atomic_store_n(&thread->loop->thread, 0, __ATOMIC_RELEASE);
  thread->loop = nullptr;
}

Loop* TakePlace(uint32_t thread) {
  for (Loop& loop : loops) {
    uint32_t none = 0;
    if (__atomic_compare_exchange_n(&loop.thread, &none, thread, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED)) {
      __atomic_store_n(&any_loop, true, __ATOMIC_RELAXED);
      return &loop;
    }
  }
  return nullptr;
}

void TellUnwatched(const char* why) {
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .key = {"loops", 5},
          .value = {why, strlen(why)}});
}

// Cold: it may start a thread.
__attribute__((noinline)) void BecomeLoop(uint32_t task) {
  const KeepErrno keep;
  LoopThread& thread = loop_thread;
  if (thread.refused) return;
  if (!thread.end_noticed) thread.end_noticed = CallAtThreadEnd(LeaveTable, &thread);
  if (!thread.end_noticed) {
    thread.refused = true;
    return TellUnwatched("the memory of the program is used up: a thread that began then is not watched");
  }
  Loop* loop = TakePlace(ThreadId());
  if (loop == nullptr) {
    thread.refused = true;
    return TellUnwatched("more than 256 threads are loops at once: the others are not watched");
  }
  thread.loop = loop;
  loop->polls = loop->found = loop->steps = 0;
  loop->asked = loop->asked_ready = false;
  loop->python = PythonThread();
  loop->handle = static_cast<uint64_t>(pthread_self());
  Step(*loop, task, /*waits=*/false);
  if (!StartWatcher()) return TellUnwatched("no thread could be started that watches the loops");
  if (thread.told) return;
  thread.told = true;
  Record({.kind = TRIREME_HOLD, .task = task, .key = {"watched", 7}});
}

}  // namespace

void WatchLoops(const trireme_header* header) {
  const bool asked = header != nullptr && header->recording != 0 &&
                     (header->hold_threshold != 0 || header->usage_interval != 0);
  ForgetLoops();
  __atomic_store_n(&loops_watched, asked, __ATOMIC_SEQ_CST);
}

void WatchUsage() {
  const trireme_header* header = AttachedHeader();
  if (header == nullptr || header->usage_interval == 0) return;
  if (__atomic_load_n(&loops_watched, __ATOMIC_RELAXED)) StartWatcher();
}

void ForgetLoops() {
  const bool noticed = loop_thread.end_noticed;
  loop_thread = {};
  loop_thread.end_noticed = noticed;
  if (any_loop)  // else its pages need not come into being
    for (Loop& loop : loops) __atomic_store_n(&loop.thread, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&moved_bytes, 0, __ATOMIC_RELAXED);
}

void NoteTask(uint32_t task) {
  LoopThread& thread = loop_thread;
  if (thread.loop != nullptr) {
    if (task != 0) Add(thread.loop->steps, 1);
    return Step(*thread.loop, task, /*waits=*/false);
  }
  if (task == 0 || !__atomic_load_n(&loops_watched, __ATOMIC_RELAXED)) return;
  const bool beside = thread.unended != 0 && thread.unended != task;
  thread.unended = task;
  if (beside || thread.polled) BecomeLoop(task);
}

void NoteTaskEnd(uint32_t task) {
  LoopThread& thread = loop_thread;
  if (thread.unended == task) thread.unended = 0;
  if (thread.loop != nullptr && task == CurrentTask()) Step(*thread.loop, task, /*waits=*/false);
}

void NoteLoopWaits(bool waits) {
  LoopThread& thread = loop_thread;
  if (!__atomic_load_n(&loops_watched, __ATOMIC_RELAXED) || CurrentTask() != 0) return;
  thread.polled = true;
  if (thread.loop != nullptr) Step(*thread.loop, 0, waits);
}

void NoteLoopRuns(bool runs) {
  LoopThread& thread = loop_thread;
  if (!__atomic_load_n(&loops_watched, __ATOMIC_RELAXED) || CurrentTask() != 0) return;
  if (!runs) {
    LeaveTable(&thread);
    thread.unended = 0;
  } else if (thread.loop == nullptr) {
    BecomeLoop(0);
  }
  thread.polled = runs;
}

void AskWhoRuns(Loop& loop) {
  __atomic_store_n(&loop.asked, true, __ATOMIC_RELAXED);
  __atomic_store_n(&loop.asked_ready, true, __ATOMIC_RELAXED);
  __atomic_store_n(&any_asked, true, __ATOMIC_RELAXED);
}

bool TakeLoopAsk() {
  if (!__atomic_load_n(&any_asked, __ATOMIC_RELAXED)) [[likely]]
    return false;
  Loop* loop = loop_thread.loop;
  return loop != nullptr && __atomic_exchange_n(&loop->asked, false, __ATOMIC_RELAXED);
}

bool TakeReadyAsk() {
  if (!__atomic_load_n(&any_asked, __ATOMIC_RELAXED)) [[likely]]
    return false;
  Loop* loop = loop_thread.loop;
  return loop != nullptr && __atomic_load_n(&loop->asked_ready, __ATOMIC_RELAXED) &&
         __atomic_exchange_n(&loop->asked_ready, false, __ATOMIC_RELAXED);
}

void LoopPoll::Begin() {
  if (CurrentTask() == 0) NoteLoopWaits(true);
  if (loop_thread.loop != nullptr) Add(loop_thread.loop->polls, 1);
}

void LoopPoll::Finish(int result) const {
  if (CurrentTask() == 0) NoteLoopWaits(false);
  if (loop_thread.loop != nullptr && result > 0) Add(loop_thread.loop->found, 1);
}

LoopPause::LoopPause() {
  if (Loop* loop = loop_thread.loop; loop != nullptr) Step(*loop, loop->task, /*waits=*/true);
}

LoopPause::~LoopPause() {
  if (Loop* loop = loop_thread.loop; loop != nullptr) Step(*loop, loop->task, /*waits=*/false);
}

void NoteMoved(int64_t result) {
  if (result > 0 && __atomic_load_n(&loops_watched, __ATOMIC_RELAXED))
    __atomic_fetch_add(&moved_bytes, static_cast<uint64_t>(result), __ATOMIC_RELAXED);
}

uint64_t MovedBytes() { return __atomic_load_n(&moved_bytes, __ATOMIC_RELAXED); }

}  // namespace trireme
