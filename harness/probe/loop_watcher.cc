// What looks at the loops. Nothing here waits for the program, but for a moment for a stack.
#include "harness/probe/loop_watcher.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/hold_stack.h"
#include "harness/probe/loops.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/python_frames.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

constexpr int kLooksPerThreshold = 4;
constexpr int kClosedBelow = 1 << 16;
// A loop that turns so often while no byte moves may spin. What is asked for nothing costs little.
constexpr uint64_t kNanosecondsATurn = 1000000;
constexpr uint32_t kAsksOfASpin = 3;
// Later only now and then, but once at least in as many intervals as make a finding: on a busy machine a loop may spin for long
// before its figures show that it does.
constexpr uint32_t kIntervalsOfAnAsk = 5;

// What the kernel says of a thread: nanoseconds that it had a processor, and that it was ready and had none.
struct ThreadTimes {
  uint64_t cpu = 0;
  uint64_t delay = 0;
};

// A loop as it was at the last look.
struct SeenLoop {
  uint32_t thread = 0;
  uint32_t task = 0;
  uint64_t step = 0;
  uint64_t since = 0;   // when it began
  uint64_t first = 0;   // look at it
  uint64_t missed = 0;  // since then: how long we could not look ourselves
  uint64_t own = 0;     // since then: that the thread did not wait for a processor, at least
  ThreadTimes begun;    // at the first look
  ThreadTimes times;    // at the last one
  bool timed = false;   // it did not wait at the first look
  bool reported = false;
  uint64_t told = 0;  // when that was
  uint64_t ask = 0;   // for a stack that had not come when it was reported; 0: none
};

// What a loop had used at the last USAGE.
struct UsedByLoop {
  uint32_t thread = 0;
  uint64_t time = 0, polls = 0, found = 0, steps = 0, moved = 0;
  int64_t sleeps = -1;  // how often it has gone to sleep; -1: not known
  ThreadTimes times;
  uint32_t asks = 0;  // in how many intervals until then, one after the other, it may have spun
};

SeenLoop seen[kLoops];
UsedByLoop used[kLoops];
char stack_text[16 * 1024];
char event_text[18 * 1024];
int watcher_runs = 0;

const char* SkipWord(const char* text) {
  while (*text != '\0' && *text != ' ') ++text;
  while (*text == ' ') ++text;
  return text;
}

uint64_t ReadNumber(const char* text) {
  uint64_t number = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    number = number * 10 + static_cast<uint64_t>(*text - '0');
  return number;
}

ThreadTimes TimesOf(uint32_t thread) {
  TextBuffer path;
  path.Add("/proc/self/task/").AddNumber(thread).Add("/schedstat");
  char text[96];
  if (ReadFile(path.text(), text, sizeof(text)) <= 0) return {};
  return {.cpu = ReadNumber(text), .delay = ReadNumber(SkipWord(text))};
}

// How often it has given up its processor by itself; -1: the kernel does not say.
int64_t SleepsOf(uint32_t thread) {
  constexpr char kSwitches[] = "\nvoluntary_ctxt_switches:\t";
  TextBuffer path;
  path.Add("/proc/self/task/").AddNumber(thread).Add("/status");
  char text[4096];
  if (ReadFile(path.text(), text, sizeof(text)) <= 0) return -1;
  const char* line = strstr(text, kSwitches);
  return line == nullptr ? -1 : static_cast<int64_t>(ReadNumber(line + sizeof(kSwitches) - 1));
}

// The letter of its state; 'R': it has a processor, or waits for one.
char StateOf(uint32_t thread) {
  TextBuffer path;
  path.Add("/proc/self/task/").AddNumber(thread).Add("/stat");
  char text[512];
  if (ReadFile(path.text(), text, sizeof(text)) <= 0) return 0;
  const char* name_end = strrchr(text, ')');
  return name_end == nullptr || name_end[1] != ' ' ? '\0' : name_end[2];
}

uint64_t Since(uint64_t before, uint64_t now) { return now > before ? now - before : 0; }

// Whole microseconds, as a JSON number of seconds.
void AddSeconds(TextBuffer& text, const char* name, uint64_t nanoseconds) {
  const uint64_t micros = nanoseconds / 1000;
  char digits[8] = ".000000";
  uint64_t rest = micros % 1000000;
  for (int i = 6; i > 0; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  text.Add("\"").Add(name).Add("\":").AddNumber(static_cast<int64_t>(micros / 1000000)).Add(digits);
}

void RecordFor(const SeenLoop& loop, uint16_t kind, const char* key, const TextBuffer& value) {
  Record({.kind = kind,
          .type = TRIREME_JSON,
          .task = loop.task,
          .thread = loop.thread,
          .key = {key, strlen(key)},
          .value = {value.text(), value.size()}});
}

void AddStack(TextBuffer& text, const HoldStack& stack) {
  if (stack.size != 0) text.Add(",\"stack\":").AddBytes(stack.text, stack.size);
  text.Add(",\"source\":\"").AddEscaped(stack.source).Add("\"");
}

void ReportHolds(const Loop& loop, SeenLoop& known) {
  HoldStack stack{.text = stack_text, .capacity = sizeof(stack_text)};
  TakeHoldStack({.loop = &loop, .thread = known.thread, .step = known.step}, &stack);
  TextBuffer text(event_text, sizeof(event_text));
  text.Add("{");
  known.told = Now();
  AddSeconds(text, "seconds", known.own);
  AddSeconds(text.Add(","), "wall", Since(known.since, known.told));
  AddStack(text, stack);
  text.Add("}");
  RecordFor(known, TRIREME_HOLD, "holds", text);
  known.reported = true;
  known.ask = stack.ask;
}

// When a hold ended that had by `now`. Where only one step has followed, it is known when that began, by a coarse clock:
// it had not ended when it was told.
uint64_t EndOf(const Loop& loop, const SeenLoop& known, uint64_t now) {
  const uint64_t since = __atomic_load_n(&loop.since, __ATOMIC_RELAXED);
  const bool followed = __atomic_load_n(&loop.thread, __ATOMIC_RELAXED) == known.thread &&
                        __atomic_load_n(&loop.step, __ATOMIC_RELAXED) - known.step <= 2;
  const uint64_t end = followed ? since : now;
  return end > known.told ? end : known.told;
}

// What its thread has used of `wall`, the time that it lasted. We come late under load: what is too much it used after
// that, and first of all it ran.
ThreadTimes UsedOf(uint64_t wall, const SeenLoop& known) {
  const ThreadTimes times = TimesOf(known.thread);
  const uint64_t delay = Since(known.begun.delay, times.delay);
  const uint64_t cpu = Since(known.begun.cpu, times.cpu);
  const uint64_t left = Since(delay, wall);
  return {.cpu = cpu < left ? cpu : left, .delay = delay < wall ? delay : wall};
}

void ReportHeld(const Loop& loop, const SeenLoop& known, uint64_t now) {
  const uint64_t wall = Since(known.since, EndOf(loop, known, now));
  const ThreadTimes used_of = UsedOf(wall, known);
  TextBuffer text(event_text, sizeof(event_text));
  text.Add("{");
  AddSeconds(text, "wall", wall);
  AddSeconds(text.Add(","), "delay", used_of.delay);
  AddSeconds(text.Add(","), "cpu", used_of.cpu);
  HoldStack stack{.text = stack_text, .capacity = sizeof(stack_text)};
  if (known.ask != 0 && LateHoldStack(known.ask, &stack)) AddStack(text, stack);
  text.Add("}");
  RecordFor(known, TRIREME_HOLD, "held", text);
}

// How long a thread waited for a processor the kernel says when it has got one. So of one that may wait now, only what
// it computed is sure; of one that sleeps all is, but for a time in which the whole process or machine stood still.
void CountOwn(SeenLoop& known, uint64_t now) {
  const ThreadTimes before = known.times;
  known.times = TimesOf(known.thread);
  if (StateOf(known.thread) == 'R') {
    known.own += Since(before.cpu, known.times.cpu);
    return;
  }
  const uint64_t delay = Since(known.begun.delay, known.times.delay);
  const uint64_t lost = delay > known.missed ? delay : known.missed;
  const uint64_t own = Since(lost, Since(known.first, now));
  known.own = own > known.own ? own : known.own;
}

void LookAt(const Loop& loop, SeenLoop& known, uint64_t now, uint64_t overslept,
            uint64_t threshold) {
  const uint32_t thread = __atomic_load_n(&loop.thread, __ATOMIC_ACQUIRE);
  const uint64_t step = __atomic_load_n(&loop.step, __ATOMIC_ACQUIRE);
  const uint32_t task = __atomic_load_n(&loop.task, __ATOMIC_RELAXED);
  if (thread != known.thread || step != known.step) {
    if (known.reported) ReportHeld(loop, known, now);
    const uint64_t since = __atomic_load_n(&loop.since, __ATOMIC_RELAXED);
    known = {.thread = thread,
             .task = task,
             .step = step,
             .since = since < now ? since : now,
             .first = now};
    if (thread == 0 || (step & 1) != 0) return;
    known.begun = known.times = TimesOf(thread);
    known.timed = true;
    return;
  }
  if (!known.timed || known.reported || task != known.task) return;
  known.missed += overslept;
  CountOwn(known, now);
  if (known.own <= threshold) return;
  if (loop.python != nullptr && PythonEnds()) return;
  ReportHolds(loop, known);
}

bool AnyHeld() {
  for (const SeenLoop& known : seen)
    if (known.reported) return true;
  return false;
}

// The pages that the process has in memory, and its threads without ours.
void RecordProcessUsage() {
  char text[512];
  if (ReadFile("/proc/self/statm", text, sizeof(text)) <= 0) return;
  const uint64_t pages = ReadNumber(SkipWord(text));
  if (ReadFile("/proc/self/stat", text, sizeof(text)) <= 0) return;
  const char* field = strrchr(text, ')');
  if (field == nullptr) return;
  for (int i = 2; i < 20; ++i) field = SkipWord(field);
  TextBuffer value;
  value.Add("{\"rss\":").AddNumber(static_cast<int64_t>(pages) * sysconf(_SC_PAGESIZE));
  value.Add(",\"threads\":").AddNumber(static_cast<int64_t>(ReadNumber(field)) - OwnThreads());
  value.Add("}");
  RecordFor({}, TRIREME_USAGE, "process", value);
}

// Whether it may spin, since `before`.
bool MaySpin(const UsedByLoop& before, const UsedByLoop& now) {
  const uint64_t polls = now.polls - before.polls;
  const uint64_t steps = now.steps - before.steps;
  return now.moved == before.moved &&
         (polls > steps ? polls : steps) * kNanosecondsATurn > now.time - before.time;
}

void RecordLoopUsage(Loop& loop, UsedByLoop& before, uint64_t now) {
  const uint32_t thread = __atomic_load_n(&loop.thread, __ATOMIC_ACQUIRE);
  if (thread == 0) {
    before = {};
    return;
  }
  UsedByLoop used_now{.thread = thread,
                      .time = now,
                      .polls = __atomic_load_n(&loop.polls, __ATOMIC_RELAXED),
                      .found = __atomic_load_n(&loop.found, __ATOMIC_RELAXED),
                      .steps = __atomic_load_n(&loop.steps, __ATOMIC_RELAXED),
                      .moved = MovedBytes(),
                      .sleeps = SleepsOf(thread),
                      .times = TimesOf(thread)};
  if (before.thread == thread) {
    TextBuffer text(event_text, sizeof(event_text));
    text.Add("{");
    AddSeconds(text, "wall", now - before.time);
    AddSeconds(text.Add(","), "delay", Since(before.times.delay, used_now.times.delay));
    AddSeconds(text.Add(","), "cpu", Since(before.times.cpu, used_now.times.cpu));
    text.Add(",\"polls\":").AddNumber(static_cast<int64_t>(used_now.polls - before.polls));
    text.Add(",\"found\":").AddNumber(static_cast<int64_t>(used_now.found - before.found));
    text.Add(",\"steps\":").AddNumber(static_cast<int64_t>(used_now.steps - before.steps));
    text.Add(",\"moved\":").AddNumber(static_cast<int64_t>(used_now.moved - before.moved));
    if (before.sleeps >= 0 && used_now.sleeps >= before.sleeps)
      text.Add(",\"slept\":").AddNumber(used_now.sleeps - before.sleeps);
    text.Add("}");
    RecordFor({.thread = thread}, TRIREME_USAGE, "loop", text);
    if (MaySpin(before, used_now)) {
      used_now.asks = before.asks + 1;
      if (used_now.asks <= kAsksOfASpin || used_now.asks % kIntervalsOfAnAsk == 0) AskWhoRuns(loop);
    }
  }
  before = used_now;
}

// From now on the descriptors that this thread opens are its own: nobody takes them for the program's. The
// program's are not kept open here. Where the kernel lets us have no table of our own, they are shared for a moment.
void KeepDescriptorsApart() {
#ifdef SYS_close_range
  constexpr unsigned kUnshare = 2;  // CLOSE_RANGE_UNSHARE
  if (syscall(SYS_close_range, 0u, ~0u, kUnshare) == 0) return;
#endif
  if (syscall(SYS_unshare, 0x00000400 /* CLONE_FILES */) != 0) return;
  for (int fd = 0; fd < kClosedBelow; ++fd) syscall(SYS_close, fd);
}

class Watcher {
 public:
  // False when the recording asks for nothing.
  bool Look() {
    const trireme_header* header = AttachedHeader();
    if (header == nullptr || !__atomic_load_n(&loops_watched, __ATOMIC_ACQUIRE)) return false;
    const uint64_t now = Now();
    const uint64_t delay = TimesOf(ThreadId()).delay;
    // As far as we did not wait for a processor ourselves: the process, or the machine, stood still.
    const uint64_t late = expected_ == 0 ? 0 : Since(Since(delay_, delay), Since(expected_, now));
    delay_ = delay;
    const uint64_t threshold = header->hold_threshold;
    if (threshold != 0) LookAtAll(now, late, threshold);
    if (header->usage_interval != 0 && now >= next_usage_) RecordUsage(now, header->usage_interval);
    Rest(threshold);
    return true;
  }

 private:
  void LookAtAll(uint64_t now, uint64_t late, uint64_t threshold) {
    const uint64_t overslept = late > threshold / kLooksPerThreshold ? late : 0;
    for (int i = 0; i < kLoops; ++i)
      if (__atomic_load_n(&loops[i].thread, __ATOMIC_RELAXED) != 0 || seen[i].thread != 0)
        LookAt(loops[i], seen[i], now, overslept, threshold);
  }

  void RecordUsage(uint64_t now, uint64_t interval) {
    RecordProcessUsage();
    for (int i = 0; i < kLoops; ++i) RecordLoopUsage(loops[i], used[i], now);
    next_usage_ = now + interval;
  }

  void Rest(uint64_t threshold) {
    const uint64_t now = Now();
    uint64_t rest = next_usage_ > now ? next_usage_ - now : 1000 * kMillisecond;
    if (threshold != 0) {
      // The end of a hold is to be known better than its beginning has to be.
      const uint64_t look = threshold / kLooksPerThreshold / (AnyHeld() ? 8 : 1);
      rest = look < rest ? look : rest;
    }
    rest = rest < kMillisecond ? kMillisecond : rest;
    expected_ = now + rest;
    SleepFor(rest);
  }

  uint64_t next_usage_ = 0;
  uint64_t expected_ = 0;  // when we were to wake up
  uint64_t delay_ = 0;     // how long we had waited for a processor by the last look
};

// False: another is.
bool BecomeWatcher() {
  int none = 0;
  return __atomic_compare_exchange_n(&watcher_runs, &none, 1, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED);
}

void* Watch(void*) {
  NameOwnThread();
  KeepDescriptorsApart();
  for (SeenLoop& known : seen) known = {};
  for (UsedByLoop& before : used) before = {};
  do {
    Watcher watcher;
    while (watcher.Look()) {
    }
    __atomic_store_n(&watcher_runs, 0, __ATOMIC_SEQ_CST);
    // Whoever asked for a watcher meanwhile took this one for it.
  } while (__atomic_load_n(&loops_watched, __ATOMIC_SEQ_CST) && BecomeWatcher());
  OwnThreadEnds();
  return nullptr;
}

}  // namespace

bool StartWatcher() {
  if (!BecomeWatcher()) return true;
  // Before it: a thread has the descriptors of the one that makes it, and the watcher has its own.
  if (!IsVforked()) {
    StartAskingPython();
    if (StartOwnThread(Watch)) return true;
  }
  __atomic_store_n(&watcher_runs, 0, __ATOMIC_RELEASE);
  return false;
}

void ForgetWatcher() {
  watcher_runs = 0;
  ForgetOwnThreads();
  ForgetHoldStacks();
}

}  // namespace trireme
