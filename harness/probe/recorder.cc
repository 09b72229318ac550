#include "harness/probe/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/clock_faults.h"
#include "harness/probe/connections.h"
#include "harness/probe/fault_gate.h"
#include "harness/probe/held_back.h"
#include "harness/probe/loop_watcher.h"
#include "harness/probe/loops.h"
#include "harness/probe/meeting.h"
#include "harness/probe/postponed.h"
#include "harness/probe/processor_use.h"
#include "harness/probe/recording.h"
#include "harness/probe/task_names.h"
#include "harness/probe/waiter.h"
#include "harness/probe/waits.h"

extern "C" {
extern void* __dso_handle;
// pthread_key_create is in another library before glibc 2.34; this one is in libc since 2.18.
int __cxa_thread_atexit_impl(void (*function)(void*), void* argument, void* dso);
}

namespace trireme {
namespace {

// One for what a thread does, one for a signal handler that interrupts it while it records.
constexpr int kLanes = 2;
constexpr uint64_t kOperationsPerThread = 1024;
constexpr int kRangeBits = 11;              // for how many of those are left
constexpr uint64_t kWarmSize = 512 * 1024;  // stays in a core's cache

struct Lane {
  Space space;
};

// All that recording needs in a thread. Only its own thread and that thread's signal handlers touch
// it.
struct ThreadState {
  Recording* recording = nullptr;  // the one that the lanes belong to
  int depth = 0;                   // of nested calls of Record()
  uint32_t thread = 0;             // OS thread id; 0: not asked yet
  uint32_t task = 0;
  uint64_t self_word = 0;  // see SelfWord(); 0: to be made again
  uint64_t last_time = 0;
  uint64_t operations = 0;  // a range of ids, see NewOperation()
  bool ends_noticed = false;
  Lane lanes[kLanes];
};

enum LazyState : int { kNothing, kPending, kAttaching, kDone };

thread_local ThreadState thread_state;
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

// A compare-and-swap that only this thread's own signal handlers may come between: one instruction, without the lock that
// other processors would need.
bool SwapOwn(uint64_t* word, uint64_t* expected, uint64_t desired) {
#if defined(__x86_64__)
  bool swapped;
  __asm__ volatile("cmpxchgq %3, %1"
                   : "=@ccz"(swapped), "+m"(*word), "+a"(*expected)
                   : "r"(desired)
                   : "memory");
  return swapped;
#else
  return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED);
#endif
}

class KeepErrno {
 public:
  KeepErrno() : value_(errno) {}
  ~KeepErrno() { errno = value_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int value_;
};

void EndThread(void* state) {
  if (IsStoppedForGood()) return;
  const KeepErrno keep;
  auto* thread = static_cast<ThreadState*>(state);
  for (Lane& lane : thread->lanes) {
    if (lane.space.chunk == nullptr) continue;
    const Space space = lane.space;
    lane.space = {};
    if (thread->recording == Current()) {
      thread->recording->Return(space);
    } else {
      thread->recording->Unmap(space);
    }
  }
}

// Brings the thread's state up to date with the file and the process that it records for.
void Adopt(ThreadState& state, Recording* recording) {
  for (Lane& lane : state.lanes) {
    if (state.recording != nullptr) state.recording->Unmap(lane.space);
    lane = {};
  }
  state.recording = recording;
  state.operations = 0;
  if (state.ends_noticed) return;
  state.ends_noticed = true;
  __cxa_thread_atexit_impl(EndThread, &state, &__dso_handle);
}

// A warm chunk, emptied into the file: see Recording::Spill.
bool EmptyChunk(Lane& lane) {
  const Space full = lane.space;
  int error = 0;
  if (full.used == 0 || !thread_state.recording->Spill(full, &error)) return false;
  // A signal handler may have forked meanwhile: then this is the child, and the chunk is its
  // parent's.
  if (__atomic_load_n(&lane.space.chunk, __ATOMIC_RELAXED) != full.chunk) return false;
  __atomic_store_n(&full.chunk->used, 0, __ATOMIC_RELEASE);
  lane.space.used = 0;
  return true;
}

// A thread begins with a small chunk, and gets a larger one each time that it fills one.
Space NewChunk(const Lane& lane, Recording* recording, uint64_t size, int* error) {
  const bool first = lane.space.chunk == nullptr;
  const Space returned = first ? recording->TakeReturned(size) : Space();
  if (returned.chunk != nullptr) return returned;
  const uint64_t larger = 4 * (lane.space.capacity + sizeof(trireme_chunk));
  const uint64_t wanted = first ? 0 : larger < kWarmSize ? larger : kWarmSize;
  return recording->Claim(process_id, size, wanted / recording->header()->chunk_size, error);
}

// Makes room for `size` bytes, or counts the event as lost.
[[gnu::noinline]] bool MakeRoom(ThreadState& state, Lane& lane, uint64_t size) {
  const KeepErrno keep;
  ThreadId();
  ProcessId();
  const bool warm = lane.space.capacity > kWarmSize / 2;
  if (warm && lane.space.capacity >= size && EmptyChunk(lane)) return true;
  int error = 0;
  const Space space = NewChunk(lane, state.recording, size, &error);
  if (space.chunk == nullptr) {
    state.recording->CountLost(1, error);
    return false;
  }
  const Space full = lane.space;
  lane.space = space;
  state.recording->Unmap(full);
  return true;
}

template <typename Word>
void CopyEnds(char* place, const char* from, uint64_t size) {
  memcpy(place, from, sizeof(Word));
  memcpy(place + size - sizeof(Word), from + size - sizeof(Word), sizeof(Word));
}

// Most keys and values are short: then two moves, which may overlap, cost less than a call.
[[gnu::always_inline]] inline char* Put(char* place, const Bytes& bytes) {
  const uint64_t size = bytes.size;
  const auto* from = static_cast<const char*>(bytes.data);
  if (size > 16)
    memcpy(place, from, size);
  else if (size >= 8)
    CopyEnds<uint64_t>(place, from, size);
  else if (size >= 4)
    CopyEnds<uint32_t>(place, from, size);
  else if (size >= 2)
    CopyEnds<uint16_t>(place, from, size);
  else if (size == 1)
    *place = *from;
  return place + size;
}

// A thread's times increase, so that merging by time alone keeps its order even where the clock is
// coarse.
uint64_t NextTime(ThreadState& state) {
  uint64_t time = Now();
  if (time <= state.last_time) time = state.last_time + 1;
  state.last_time = time;
  return time;
}

void Append(ThreadState& state, Recording* recording, const Entry& entry) {
  const uint64_t size =
      (sizeof(trireme_record) + entry.key.size + entry.value.size + 7) & ~uint64_t{7};
  if (state.depth > kLanes || size > UINT32_MAX) [[unlikely]] {
    recording->CountLost(1, state.depth > kLanes ? EDEADLK : EMSGSIZE);
    return;
  }
  if (recording != state.recording) [[unlikely]]
    Adopt(state, recording);
  Lane& lane = state.lanes[state.depth - 1];
  if (lane.space.left() < size) [[unlikely]]
    if (!MakeRoom(state, lane, size)) return;
  trireme_chunk* chunk = lane.space.chunk;
  char* place = lane.space.end();
  memset(place + size - 8, 0, 8);
  auto* record = reinterpret_cast<trireme_record*>(place);
  record->size = static_cast<uint32_t>(size);
  record->kind = entry.kind;
  record->type = entry.type;
  record->time = NextTime(state);
  record->task = entry.task;
  record->thread = entry.thread != 0 ? entry.thread : state.thread;
  record->id = entry.id;
  record->key_size = static_cast<uint32_t>(entry.key.size);
  record->value_size = static_cast<uint32_t>(entry.value.size);
  Put(Put(place + sizeof(*record), entry.key), entry.value);
  // A signal handler may have forked meanwhile: then this is the child, and the chunk is its
  // parent's.
  if (__atomic_load_n(&lane.space.chunk, __ATOMIC_RELAXED) != chunk) return;
  lane.space.used += size;
  chunk->newest = record->time;
  __atomic_store_n(&chunk->used, lane.space.used, __ATOMIC_RELEASE);
}

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
  if (ActivePlan() == nullptr) return;
  ForgetAllEnds();
  ForgetAllHeldBack();
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
  if (entry.kind == TRIREME_TASK_START && ActivePlan() != nullptr) NoteTaskName(entry);
  if (LeavesOut(recording, entry.kind)) return;
  ThreadState& state = thread_state;
  ++state.depth;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  Append(state, recording, entry);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  --state.depth;
  NoteProcessorUse(entry.kind);
}

uint32_t NewTask() {
  Recording* recording = CurrentOrAttachNow();
  uint64_t* next = recording == nullptr ? &unattached_tasks : &recording->header()->next_task;
  const uint64_t number = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
  return static_cast<uint32_t>(recording == nullptr ? number + 1 : number);
}

// The next id and how many are left are one word, so that a signal handler that wants an id between
// our reading and writing of it makes us read again, and nobody gets an id twice.
uint64_t NewOperation() {
  Recording* recording = CurrentOrAttachNow();
  if (recording == nullptr) return __atomic_add_fetch(&unattached_operations, 1, __ATOMIC_RELAXED);
  ThreadState& state = thread_state;
  if (state.recording != recording) Adopt(state, recording);
  constexpr uint64_t kOneTaken = (uint64_t{1} << kRangeBits) - 1;  // next + 1, left - 1
  constexpr uint64_t kLeft = (uint64_t{1} << kRangeBits) - 1;
  uint64_t range = __atomic_load_n(&state.operations, __ATOMIC_RELAXED);
  while ((range & kLeft) != 0) {
    if (SwapOwn(&state.operations, &range, range + kOneTaken)) return range >> kRangeBits;
  }
  const uint64_t first = __atomic_fetch_add(&recording->header()->next_operation,
                                            kOperationsPerThread, __ATOMIC_RELAXED);
  // Where a handler has got a range meanwhile, that one stays, and of ours only this id is used.
  const uint64_t rest = ((first + 1) << kRangeBits) | (kOperationsPerThread - 1);
  SwapOwn(&state.operations, &range, rest);
  return first;
}

uint32_t CurrentTask() { return thread_state.task; }

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
  ThreadState& state = thread_state;
  const uint32_t before = state.task;
  state.task = task;
  NoteTask(task);  // again, too: it gave way, and nobody else was ready
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

// The chunks of the parent stay the parent's, whose threads write them.
void ContinueInChild() {
  if (IsStoppedForGood()) return;
  const KeepErrno keep;
  ThreadState& state = thread_state;
  for (Lane& lane : state.lanes) {
    // A recording that this fork interrupted is still writing there.
    if (state.recording != nullptr && state.depth == 0) state.recording->Unmap(lane.space);
    lane = {};
  }
  state.thread = 0;
  state.self_word = 0;
  state.operations = 0;
  ForgetWaits();
  ForgetMeetings();
  ForgetLoops();
  ForgetWatcher();
  ForgetAllHeldBack();
  ForgetPostponed();
  ForgetProcessorUse();
  process_id = static_cast<uint32_t>(getpid());
  if (lazy_state == kAttaching) lazy_state = kPending;
  lost_before_attach = 0;  // the parent's to tell
  Recording* recording = Current();
  if (recording == nullptr) return;
  recording->ForgetReturned();
  RecordProcess(/*with_arguments=*/false);
  ShutGateInChild();
}

}  // namespace trireme
