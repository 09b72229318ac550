#include "harness/probe/process_path.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/fault_rules.h"
#include "harness/probe/recorder.h"
#include "harness/probe/task_names.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

// As trireme_start.key: a place that changes hands, and a process that has no number yet, by its parent's.
constexpr uint32_t kChangesHands = ~uint32_t{0};
constexpr uint32_t kUnborn = uint32_t{1} << 31;

char process_path[TRIREME_PROCESS_PATH] = "";
uint32_t processes_started = 0;  // atomic
bool starts_the_program = false;
// Of the process that this thread is about to fork.
constinit thread_local uint32_t next_process = 0;

uint32_t RealProcessId() { return static_cast<uint32_t>(syscall(SYS_getpid)); }

trireme_start* StartAt(uint32_t index) {
  trireme_plan* plan = ActivePlan();
  char* file = reinterpret_cast<char*>(plan) - offsetof(trireme_header, plan);
  return reinterpret_cast<trireme_start*>(file + plan->starts_at) + index;
}

uint32_t StartCount() {
  const trireme_plan* plan = ActivePlan();
  return plan == nullptr ? 0 : plan->starts;
}

bool Claim(trireme_start* start, uint32_t key) {
  return __atomic_compare_exchange_n(&start->key, &key, kChangesHands, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED);
}

trireme_start* ClaimKey(uint32_t key) {
  for (uint32_t i = 0; i < StartCount(); ++i)
    if (__atomic_load_n(&StartAt(i)->key, __ATOMIC_ACQUIRE) == key && Claim(StartAt(i), key))
      return StartAt(i);
  return nullptr;
}

// Whoever never came to take its own, a program without the probe, gives way to others in the end.
trireme_start* ClaimAny(uint32_t key) {
  // A process is in one place; of its children that are not born yet each has its own.
  trireme_start* own = (key & kUnborn) == 0 ? ClaimKey(key) : nullptr;
  if (own != nullptr) return own;
  if (trireme_start* unused = ClaimKey(0); unused != nullptr) return unused;
  const uint32_t count = StartCount();
  if (count == 0) return nullptr;
  const uint32_t first = __atomic_fetch_add(&ActivePlan()->next_start, 1, __ATOMIC_RELAXED);
  for (uint32_t i = 0; i < count; ++i) {
    trireme_start* start = StartAt((first + i) % count);
    const uint32_t before = __atomic_load_n(&start->key, __ATOMIC_ACQUIRE);
    if (before != kChangesHands && Claim(start, before)) return start;
  }
  return nullptr;
}

void PutChildPath(TextBuffer& text, uint32_t number) {
  text.Add(process_path).Add("/").AddNumber(number);
}

void Release(trireme_start* start, uint32_t key) {
  __atomic_store_n(&start->key, key, __ATOMIC_RELEASE);
}

trireme_start* EnterChild(uint32_t key, uint32_t number) {
  trireme_start* start = ClaimAny(key);
  if (start == nullptr) return nullptr;
  start->connects = start->pipes = start->opens = start->started = 0;
  TextBuffer text(start->path, sizeof(start->path));
  PutChildPath(text, number);
  Release(start, key);
  return start;
}

// What stands in for a path that nobody told: of a program whose parent, or whose own code before, had no probe.
void BeSomewhere() {
  TextBuffer text(process_path, sizeof(process_path));
  text.Add("/?").AddNumber(RealProcessId());
}

// Below which all others of the trial are, if they have not left it.
void BeFirstIfNobodyIs(trireme_plan* plan) {
  uint32_t nobody = 0;
  __atomic_compare_exchange_n(&plan->first_process, &nobody, RealProcessId(), false,
                              __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

}  // namespace

const char* ProcessPath() { return process_path; }

void BeginFirstProcess() {
  process_path[0] = '\0';
  __atomic_store_n(&processes_started, 0, __ATOMIC_RELAXED);
  trireme_plan* plan = ActivePlan();
  if (plan != nullptr) BeFirstIfNobodyIs(plan);
  starts_the_program = plan != nullptr && (plan->flags & TRIREME_PLAN_COMMAND) != 0;
  NameNoTask(process_path);
}

void TakeProcessPath() {
  trireme_plan* plan = ActivePlan();
  if (plan == nullptr) return;
  const uint32_t self = RealProcessId();
  BeFirstIfNobodyIs(plan);
  trireme_start* start = ClaimKey(self);
  if (start == nullptr) start = ClaimKey(kUnborn | static_cast<uint32_t>(getppid()));
  MadeBefore before;
  starts_the_program = false;
  process_path[0] = '\0';
  processes_started = 0;
  if (start != nullptr) {
    memcpy(process_path, start->path, sizeof(process_path));
    process_path[sizeof(process_path) - 1] = '\0';
    processes_started = start->started;
    before = {.connects = start->connects, .pipes = start->pipes, .opens = start->opens};
    Release(start, 0);
  } else if (__atomic_exchange_n(&plan->first_taken, 1, __ATOMIC_SEQ_CST) != 0) {
    BeSomewhere();
  }
  NameNoTask(process_path, before);
}

void NumberNextProcess() {
  // Whoever has no path yet can give none to another.
  if (AttachIsPending()) Attached();
  if (ActivePlan() == nullptr) return;
  next_process = __atomic_add_fetch(&processes_started, 1, __ATOMIC_RELAXED);
}

void ContinuePathInChild() {
  if (ActivePlan() == nullptr) return;
  __atomic_store_n(&processes_started, 0, __ATOMIC_RELAXED);
  // What the runner of a command forks is the program, the first process of the trial.
  if (!starts_the_program) {
    char parent[sizeof(process_path)];
    memcpy(parent, process_path, sizeof(parent));
    TextBuffer text(process_path, sizeof(process_path));
    text.Add(parent).Add("/").AddNumber(next_process);
  }
  starts_the_program = false;
  NameNoTask(process_path);
}

void HandOverProcessPath() {
  if (ActivePlan() == nullptr) return;
  const uint32_t self = RealProcessId();
  if (self != ProcessId()) {
    EnterChild(self, next_process);
    return;
  }
  trireme_start* start = ClaimAny(self);
  if (start == nullptr) return;
  const TaskName& none = NoTaskName();
  start->connects = __atomic_load_n(&none.connects, __ATOMIC_RELAXED);
  start->pipes = __atomic_load_n(&none.pipes, __ATOMIC_RELAXED);
  start->opens = __atomic_load_n(&none.counts[TRIREME_CALL_OPEN], __ATOMIC_RELAXED);
  start->started = __atomic_load_n(&processes_started, __ATOMIC_RELAXED);
  memcpy(start->path, process_path, sizeof(process_path));
  Release(start, self);
}

ProcessStart::ProcessStart() {
  NumberNextProcess();
  if (ActivePlan() == nullptr) return;
  key_ = kUnborn | RealProcessId();
  place_ = EnterChild(key_, next_process);
}

void ProcessStart::BecameProcess(int process) {
  if (place_ != nullptr && Claim(place_, key_)) Release(place_, static_cast<uint32_t>(process));
  place_ = nullptr;
}

ProcessStart::~ProcessStart() {
  if (place_ != nullptr && !lives_on_ && Claim(place_, key_)) Release(place_, 0);
}

}  // namespace trireme
