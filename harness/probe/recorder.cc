#include "harness/probe/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/aside.h"
#include "harness/probe/clock_faults.h"
#include "harness/probe/connections.h"
#include "harness/probe/fault_gate.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/held_back.h"
#include "harness/probe/keep_errno.h"
#include "harness/probe/lanes.h"
#include "harness/probe/late_errors.h"
#include "harness/probe/loop_watcher.h"
#include "harness/probe/loops.h"
#include "harness/probe/meeting.h"
#include "harness/probe/moments.h"
#include "harness/probe/points.h"
#include "harness/probe/postponed.h"
#include "harness/probe/process_path.h"
#include "harness/probe/processor_use.h"
#include "harness/probe/recording.h"
#include "harness/probe/task_names.h"
#include "harness/probe/waiter.h"
#include "harness/probe/waits.h"

namespace trireme {
namespace {

enum LazyState : int { kNothing, kPending, kAttaching, kDone };

Recording* current_recording = nullptr;
trireme_header* followed_header = nullptr;  // of that one, where waits are followed
uint32_t process_id = 0;
bool watched = false;
bool stopped_for_good = false;
int lazy_state = kNothing;
char lazy_path[4096];
uint64_t unattached_tasks = 0;
uint64_t unattached_operations = 0;
uint64_t lost_before_attach = 0;
int lost_errno = EAGAIN;  // why the newest of them were

Recording* Current() { return __atomic_load_n(&current_recording, __ATOMIC_ACQUIRE); }

// {"argv": [...]} of this process, as much of it as fits.
class ArgumentsText {
 public:
  ArgumentsText() {
    char raw[768];
    long size = 0;
    const int fd =
        static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
    if (fd >= 0) {
      size = syscall(SYS_read, fd, raw, sizeof(raw));
      syscall(SYS_close, fd);
    }
    Add("{\"argv\":[");
    bool inside = false;
    for (long i = 0; i < size; ++i) AddByte(raw[i], inside);
    Add(inside ? "\"]}" : "]}");
  }
  Bytes bytes() const { return {text_, size_}; }

 private:
  void Add(const char* text) {
    while (*text != '\0') text_[size_++] = *text++;
  }
  void AddByte(char byte, bool& inside) {
    if (!inside) Add(size_ > sizeof("{\"argv\":[") - 1 ? ",\"" : "\"");
    inside = byte != '\0';
    if (!inside) return Add("\"");
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 0x20 && byte != '"' && byte != '\\') {
      text_[size_++] = byte;
      return;
    }
    const char* digits = "0123456789abcdef";
    Add("\\u00");
    text_[size_++] = digits[value >> 4];
    text_[size_++] = digits[value & 15];
  }

  char text_[768 * 6 + 64];
  uint64_t size_ = 0;
};

void RecordProcess(bool with_arguments) {
  Entry entry{
      .kind = TRIREME_PROCESS, .task = thread_state.task, .id = static_cast<uint64_t>(getppid())};
  if (!with_arguments) return Record(entry);
  const ArgumentsText arguments;
  entry.type = TRIREME_JSON;
  entry.value = arguments.bytes();
  Record(entry);
}

// What is wanted now and may be there later.
bool IsTransient(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

void TellLostBeforeAttach(Recording* recording) {
  const uint64_t lost = __atomic_exchange_n(&lost_before_attach, 0, __ATOMIC_RELAXED);
  if (lost != 0) recording->CountLost(lost, __atomic_load_n(&lost_errno, __ATOMIC_RELAXED));
}

void BeginFaults(trireme_header* header) {
  TakePlan(header);
  FollowProcessorUse(header);
  FollowMoments(header);
  if (ActivePlan() == nullptr) return;
  ForgetAllEnds();
  LetGoAllHeldBack();
  ForgetAllLateErrors();
  ForgetTaskNames();
}

int AttachTo(const char* path) {
  int error = EINVAL;
  Recording* recording = path == nullptr ? nullptr : Recording::Open(path, &error);
  const bool followed =
      recording != nullptr && recording->enabled() && recording->header()->objects != 0;
  // First: who finds a recording shall find what it follows.
  __atomic_store_n(&followed_header, followed ? recording->header() : nullptr, __ATOMIC_SEQ_CST);
  __atomic_store_n(&current_recording, recording, __ATOMIC_SEQ_CST);
  ForgetAllDescriptors();
  ForgetWaits();
  BeginFaults(recording == nullptr || !recording->enabled() ? nullptr : recording->header());
  if (recording != nullptr) EndWaitsOfProcess(recording->header());
  WatchLoops(recording == nullptr ? nullptr : recording->header());
  UseClockFaults(recording == nullptr ? nullptr : recording->header());
  if (recording != nullptr) TellLostBeforeAttach(recording);
  return error;
}

// An event of a process that shall record but has no file yet.
void CountUnattached() {
  const int state = __atomic_load_n(&lazy_state, __ATOMIC_ACQUIRE);
  if (state == kPending || state == kAttaching)
    __atomic_fetch_add(&lost_before_attach, 1, __ATOMIC_SEQ_CST);
  // Another thread may have attached since: nobody else would tell then.
  if (Recording* recording = Current(); recording != nullptr) TellLostBeforeAttach(recording);
}

// The file named by the environment, on the first call that needs one, and on later ones while what
// opening it takes is not to be had. nullptr: there is none.
Recording* AttachNow() {
  int expected = kPending;
  if (!__atomic_compare_exchange_n(&lazy_state, &expected, static_cast<int>(kAttaching), false,
                                   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    // Another thread is at it, or this one below a signal handler, which then must not wait.
    for (int i = 0; expected == kAttaching && i < 10000; ++i) {
      sched_yield();
      expected = __atomic_load_n(&lazy_state, __ATOMIC_ACQUIRE);
    }
    return Current();
  }
  const KeepErrno keep;
  const int error = AttachTo(lazy_path);
  if (IsTransient(error)) __atomic_store_n(&lost_errno, error, __ATOMIC_RELAXED);
  __atomic_store_n(&lazy_state, static_cast<int>(IsTransient(error) ? kPending : kDone),
                   __ATOMIC_RELEASE);
  if (error == 0) TakeProcessPath();
  if (error == 0) RecordProcess(/*with_arguments=*/true);
  if (error == 0) OpenGate();
  return Current();
}

[[gnu::noinline]] Recording* AttachIfAsked() {
  const int state = __atomic_load_n(&lazy_state, __ATOMIC_ACQUIRE);
  return state == kPending || state == kAttaching ? AttachNow() : nullptr;
}

Recording* CurrentOrAttachNow() {
  Recording* recording = Current();
  return recording != nullptr ? recording : AttachIfAsked();
}

// Read each time: what is left out may change while the file is written.
bool LeavesOut(Recording* recording, uint16_t kind) {
  const uint64_t left_out = __atomic_load_n(&recording->header()->left_out, __ATOMIC_RELAXED);
  return kind < 64 && (left_out >> kind & 1) != 0;
}

}  // namespace

uint64_t Now() {
  struct timespec time;
  TrueClock(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

int Attach(const char* path) {
  if (IsStoppedForGood()) return EPERM;
  const KeepErrno keep;
  const int error = AttachTo(path);
  BeginFirstProcess();
  __atomic_store_n(&lazy_state, static_cast<int>(kDone), __ATOMIC_RELEASE);
  OpenGate();
  WatchUsage();
  return error;
}

void AttachLater(const char* path) {
  if (path == nullptr || *path == '\0' || strlen(path) >= sizeof(lazy_path)) return;
  memcpy(lazy_path, path, strlen(path) + 1);
  lazy_state = kPending;
  ExpectClockFaults();
}

bool Attached() { return CurrentOrAttachNow() != nullptr; }

[[gnu::flatten]] void Record(const Entry& entry) {
  Recording* recording = CurrentOrAttachNow();
  if (recording == nullptr) return CountUnattached();
  if (!recording->enabled()) return;
  if (entry.kind == TRIREME_TASK_END) {
    EndWaitsOf(entry.task);
    NoteTaskEnd(entry.task);
  }
  // Who was parked waits no more, though it has not run since: what it is woken for is the cancellation.
  if (entry.kind == TRIREME_CANCEL && entry.id <= UINT32_MAX)
    EndWaitsOf(static_cast<uint32_t>(entry.id));
  if (entry.kind == TRIREME_TASK_START) {
    if (ActivePlan() != nullptr) NoteTaskName(entry);
    NoteBirth(entry);
  }
  if (LeavesOut(recording, entry.kind)) return;
  ThreadState& state = thread_state;
  ++state.depth;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  Append(state, recording, entry);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  --state.depth;
  NoteProcessorUse(entry.kind);
  WaitAtMoment(entry);
}

uint32_t NewTask() {
  Recording* recording = CurrentOrAttachNow();
  uint64_t* next = recording == nullptr ? &unattached_tasks : &recording->header()->next_task;
  const uint64_t number = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
  return static_cast<uint32_t>(recording == nullptr ? number + 1 : number);
}

[[gnu::flatten]] uint64_t NewOperation() {
  Recording* recording = CurrentOrAttachNow();
  if (recording == nullptr) return __atomic_add_fetch(&unattached_operations, 1, __ATOMIC_RELAXED);
  return TakeOperation(thread_state, recording);
}

uint32_t CurrentTask() { return thread_state.task; }

uint32_t CurrentOrServedTask() {
  const ThreadState& state = thread_state;
  return state.task != 0 ? state.task : state.served;
}

void ServeTask(uint32_t task) { thread_state.served = task; }

uint32_t ProcessId() {
  if (process_id == 0) process_id = static_cast<uint32_t>(getpid());
  return process_id;
}

bool IsWatched() { return watched; }
void SetWatched() { watched = true; }

// Where all is stopped nobody needs to know, and to ask is a system call.
bool IsVforked() {
  return IsStoppedForGood() || static_cast<uint32_t>(syscall(SYS_getpid)) != ProcessId();
}

uint32_t ThreadId() {
  ThreadState& state = thread_state;
  if (state.thread == 0) state.thread = static_cast<uint32_t>(syscall(SYS_gettid));
  return state.thread;
}

bool AttachIsPending() {
  return Current() == nullptr && __atomic_load_n(&lazy_state, __ATOMIC_ACQUIRE) == kPending;
}

const char* PendingPath() { return AttachIsPending() ? lazy_path : nullptr; }

bool MayBeOpened() {
  const KeepErrno keep;
  return lazy_path[0] == '\0' || syscall(SYS_faccessat, AT_FDCWD, lazy_path, R_OK | W_OK) == 0;
}

void GiveRecordingTo(uint32_t user) {
  const KeepErrno keep;
  Recording* recording = IsStoppedForGood() ? nullptr : CurrentOrAttachNow();
  if (recording != nullptr) recording->GiveTo(user);
}

void GrowRecordingAhead() {
  const KeepErrno keep;
  const Recording* recording = IsStoppedForGood() ? nullptr : CurrentOrAttachNow();
  if (recording != nullptr) recording->GrowAhead();
}

bool IsLeftOut(uint16_t kind) {
  Recording* recording = Current();
  return recording != nullptr && LeavesOut(recording, kind);
}

const trireme_header* AttachedHeader() {
  const Recording* recording = Current();
  return recording == nullptr ? nullptr : recording->header();
}

void StopRecordingHere() {
  __atomic_store_n(&lazy_state, static_cast<int>(kNothing), __ATOMIC_RELEASE);
  __atomic_store_n(&followed_header, nullptr, __ATOMIC_RELEASE);
  __atomic_store_n(&current_recording, nullptr, __ATOMIC_RELEASE);
}

bool IsStoppedForGood() { return __atomic_load_n(&stopped_for_good, __ATOMIC_ACQUIRE); }

// The pages stay mapped: another thread may be in the middle of them.
void StopForGood(const char* why) {
  const KeepErrno keep;
  if (IsStoppedForGood() || !Attached())
    return __atomic_store_n(&stopped_for_good, true, __ATOMIC_RELEASE);
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .task = CurrentTask(),
          .key = {"watch", 5},
          .value = {why, strlen(why)}});
  if (!IsWatched()) Current()->CountLost(1, EPERM);
  __atomic_store_n(&stopped_for_good, true, __ATOMIC_RELEASE);
  EndWaitsOfProcess(Current()->header());
  StopRecordingHere();
  BeginFaults(nullptr);
  WatchLoops(nullptr);
  UseClockFaults(nullptr);
}

trireme_header* FollowedHeaderNow() { return __atomic_load_n(&followed_header, __ATOMIC_ACQUIRE); }

trireme_header* FollowedHeader() {
  trireme_header* header = FollowedHeaderNow();
  if (header != nullptr || Current() != nullptr) return header;
  return AttachIfAsked() == nullptr ? nullptr : __atomic_load_n(&followed_header, __ATOMIC_ACQUIRE);
}

uint64_t SelfWord() {
  ThreadState& state = thread_state;
  if (state.self_word == 0) [[unlikely]]
    state.self_word =
        Waiter(Waiter::kInside, ProcessId(), state.task, ThreadId(), /*wants_one=*/false).word();
  return state.self_word;
}

void SetTask(uint32_t task) {
  NoteTask(task);  // again, too: it gave way, and nobody else was ready
  SetTaskOfNoLoop(task);
}

void SetTaskOfNoLoop(uint32_t task) {
  ThreadState& state = thread_state;
  const uint32_t before = state.task;
  state.task = task;
  if (before == task) return;
  state.self_word = 0;
  SwitchWaits(before, task);
  Record({.kind = TRIREME_SWITCH, .task = task, .id = before});
}

const uint8_t* Plan(uint32_t* size) {
  Recording* recording = CurrentOrAttachNow();
  *size = recording == nullptr ? 0 : recording->header()->plan_size;
  return recording == nullptr ? nullptr : recording->header()->plan;
}

void ContinueInChild() {
  if (IsStoppedForGood()) return;
  const KeepErrno keep;
  ThreadState& state = thread_state;
  LeaveLanesToParent(state);
  state.thread = 0;
  state.self_word = 0;
  ForgetWaits();
  ForgetMeetings();
  ForgetLoops();
  ForgetWatcher();
  ForgetAllHeldBackInChild();
  TellLateErrorsAtOnceInChild();
  ForgetAcceptTurnsInChild();
  ForgetPostponed();
  ForgetProcessorUse();
  ForgetAsideInChild();
  process_id = static_cast<uint32_t>(getpid());
  ContinuePathInChild();
  if (lazy_state == kAttaching) lazy_state = kPending;
  lost_before_attach = 0;  // the parent's to tell
  Recording* recording = Current();
  if (recording == nullptr) return;
  recording->ForgetReturned();
  RecordProcess(/*with_arguments=*/false);
  ShutGateInChild();
}

}  // namespace trireme
