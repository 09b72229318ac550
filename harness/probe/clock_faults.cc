#include "harness/probe/clock_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "harness/probe/keep_errno.h"
#include "harness/probe/next.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

constexpr int64_t kSecond = 1000000000;
// Later ones mean "for ever", and would overflow in nanoseconds.
constexpr int64_t kLatestSecond = 8000000000;
constexpr uint64_t kLongest = uint64_t{kLatestSecond} * kSecond;
constexpr int64_t kYear2001 = 1000000000;

enum ClockState : int { kLook, kNone, kFaulty };

int clock_state = kLook;
trireme_header* clock_header = nullptr;

int64_t InNanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

timespec ToTimespec(int64_t nanoseconds) {
  int64_t seconds = nanoseconds / kSecond;
  int64_t rest = nanoseconds % kSecond;
  if (rest < 0) rest += kSecond, --seconds;
  return {.tv_sec = static_cast<time_t>(seconds), .tv_nsec = static_cast<long>(rest)};
}

int64_t TrueNanoseconds(clockid_t clock) {
  timespec time{};
  TrueClock(clock, &time);
  return InNanoseconds(time);
}

// As trireme_clock_fault.clocks has them; 0: a clock that no fault moves.
uint32_t BitOf(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
      return 1;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      return 2;
    default:
      return 0;
  }
}

trireme_plan* PlanOf(trireme_header* header) {
  auto* plan = reinterpret_cast<trireme_plan*>(header->plan);
  const bool usable = header->plan_size >= sizeof(*plan) && plan->version == TRIREME_PLAN_VERSION;
  return usable && plan->clocks > 0 && plan->clocks <= TRIREME_PLAN_CLOCKS ? plan : nullptr;
}

bool IsActive(const trireme_clock_fault& fault, uint64_t elapsed) {
  return elapsed >= fault.from && (fault.until == 0 || elapsed < fault.until);
}

// The faults of the trial, at one moment of it.
class Faults {
 public:
  Faults()
      : header_(__atomic_load_n(&clock_header, __ATOMIC_ACQUIRE)),
        plan_(header_ == nullptr ? nullptr : PlanOf(header_)) {
    if (plan_ == nullptr) return;
    const int64_t now =
        TrueNanoseconds(CLOCK_MONOTONIC) - static_cast<int64_t>(header_->begin_time);
    elapsed_ = now < 0 ? 0 : static_cast<uint64_t>(now);
  }

  uint64_t elapsed() const { return elapsed_; }

  // What is added to the true time `at`, since the trial's begin.
  int64_t Shift(uint32_t bit, uint64_t at) const {
    int64_t shift = 0;
    for (uint32_t i = 0; i < Count(); ++i) {
      const trireme_clock_fault& fault = plan_->clock[i];
      if ((fault.clocks & bit) == 0 || !IsActive(fault, at)) continue;
      // Doubles are exact to the nanosecond for a hundred days, and need no library for division.
      const double ratio = static_cast<double>(fault.rate) / 1e9 - 1;
      shift += fault.jump + static_cast<int64_t>(static_cast<double>(at - fault.from) * ratio);
    }
    return shift;
  }

  // Seconds that the clock shows for a true one.
  double Rate(uint32_t bit, uint64_t at) const {
    double rate = 1;
    for (uint32_t i = 0; i < Count(); ++i) {
      const trireme_clock_fault& fault = plan_->clock[i];
      if ((fault.clocks & bit) != 0 && IsActive(fault, at))
        rate += static_cast<double>(fault.rate) / 1e9 - 1;
    }
    return rate;
  }

  // In which time from now the clock comes on by `shown`, if it does not jump; UINT64_MAX: never.
  uint64_t TrueLength(uint32_t bit, int64_t shown) const {
    double rest = static_cast<double>(shown);
    bool as_shown = true;
    for (uint64_t at = elapsed_;;) {
      const double rate = Rate(bit, at);
      as_shown = as_shown && rate == 1;
      const uint64_t change = NextChange(at);
      const double needed = rate > 0 ? rest / rate : 1e19;
      if (change == 0 || static_cast<double>(at) + needed <= static_cast<double>(change)) {
        if (as_shown) return static_cast<uint64_t>(shown);
        return needed > 9e18 ? UINT64_MAX : at - elapsed_ + static_cast<uint64_t>(needed);
      }
      if (rate > 0) rest -= static_cast<double>(change - at) * rate;
      at = change;
    }
  }

  // Whether a clock may come to show less than it did: on a machine that started just now, also less than nothing.
  bool PutsBack(uint32_t bit) const {
    for (uint32_t i = 0; i < Count(); ++i)
      if ((plan_->clock[i].clocks & bit) != 0 && plan_->clock[i].jump < 0) return true;
    return false;
  }

  int64_t Late() const {
    int64_t late = 0;
    for (uint32_t i = 0; i < Count(); ++i)
      if (IsActive(plan_->clock[i], elapsed_)) late += static_cast<int64_t>(plan_->clock[i].late);
    return late;
  }

  // The next time after `at` at which a fault begins or ends; 0: none.
  uint64_t NextChange(uint64_t at) const {
    uint64_t next = 0;
    for (uint32_t i = 0; i < Count(); ++i) {
      const uint64_t changes[] = {plan_->clock[i].from, plan_->clock[i].until};
      for (const uint64_t change : changes)
        if (change > at && (next == 0 || change < next)) next = change;
    }
    return next;
  }

  // Records what a look at those clocks (0: at a timer) found begun or over, once a fault in the trial.
  void Tell(uint32_t bit) const {
    for (uint32_t i = 0; i < Count(); ++i) {
      trireme_clock_fault& fault = plan_->clock[i];
      const bool hit = bit == 0 ? fault.late != 0 : (fault.clocks & bit) != 0;
      if (hit && IsActive(fault, elapsed_) && TakeBit(fault, 1)) Log(fault, /*over=*/false);
      const bool ended = fault.until != 0 && elapsed_ >= fault.until;
      const bool begun = (__atomic_load_n(&fault.told, __ATOMIC_RELAXED) & 1) != 0;
      if (hit && ended && begun && TakeBit(fault, 2)) Log(fault, /*over=*/true);
    }
  }

  // Records which of the clocks a fault has moved after `begin`, and whether it is over, to one who waited since.
  void TellChangesSince(uint64_t begin) const {
    for (uint32_t i = 0; i < Count(); ++i) {
      trireme_clock_fault& fault = plan_->clock[i];
      if (fault.clocks == 0 || fault.from <= begin || fault.from > elapsed_) continue;
      if (TakeBit(fault, 1)) Log(fault, /*over=*/false);
      const bool ended = fault.until != 0 && elapsed_ >= fault.until;
      if (ended && TakeBit(fault, 2)) Log(fault, /*over=*/true);
    }
  }

 private:
  uint32_t Count() const { return plan_ == nullptr ? 0 : plan_->clocks; }

  // True for the first who asks.
  static bool TakeBit(trireme_clock_fault& fault, uint32_t bit) {
    if ((__atomic_load_n(&fault.told, __ATOMIC_RELAXED) & bit) != 0) return false;
    return (__atomic_fetch_or(&fault.told, bit, __ATOMIC_RELAXED) & bit) == 0;
  }

  void Log(const trireme_clock_fault& fault, bool over) const;

  trireme_header* header_;
  trireme_plan* plan_;
  uint64_t elapsed_ = 0;
};

void AddDecimals(TextBuffer& text, uint64_t number, uint64_t unit) {
  text.Add(".");
  for (uint64_t digit = unit / 10; digit > 0; digit /= 10)
    text.AddNumber(static_cast<int64_t>(number / digit % 10));
}

void AddSeconds(TextBuffer& text, int64_t nanoseconds) {
  const uint64_t size =
      nanoseconds < 0 ? 0 - static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
  if (nanoseconds < 0) text.Add("-");
  text.AddNumber(static_cast<int64_t>(size / kSecond));
  AddDecimals(text, size % kSecond, kSecond);
}

// The name of a fault of the plan; "" where the block has none.
Bytes NameOfFault(const trireme_header* header, const trireme_plan* plan, uint32_t number) {
  if (plan->names_at == 0 || number == 0 || number > plan->names) return {};
  const char* name = reinterpret_cast<const char*>(header) + plan->names_at +
                     uint64_t{number - 1} * TRIREME_FAULT_NAME;
  uint64_t size = 0;
  while (size < TRIREME_FAULT_NAME && name[size] != '\0') ++size;
  return {name, size};
}

void Faults::Log(const trireme_clock_fault& fault, bool over) const {
  char place[384];
  TextBuffer text(place, sizeof(place));
  text.Add("{\"do\":{");
  const char* separator = "";
  const auto member = [&](const char* name) {
    text.Add(separator).Add("\"").Add(name).Add("\":");
    separator = ",";
  };
  if (fault.jump != 0) member("jump"), AddSeconds(text, fault.jump);
  if (fault.rate != kSecond) member("rate"), AddSeconds(text, static_cast<int64_t>(fault.rate));
  if (fault.late != 0) member("late"), AddSeconds(text, static_cast<int64_t>(fault.late));
  if (fault.clocks != 0) {
    member("clocks");
    text.Add("[").Add((fault.clocks & 1) != 0 ? "\"realtime\"" : "");
    text.Add(fault.clocks == 3 ? "," : "")
        .Add((fault.clocks & 2) != 0 ? "\"monotonic\"" : "")
        .Add("]");
  }
  text.Add(over ? "},\"over\":true}" : "}}");
  Record({.kind = TRIREME_FAULT,
          .type = TRIREME_JSON,
          .task = CurrentTask(),
          .id = fault.fault,
          .key = NameOfFault(header_, plan_, fault.fault),
          .value = {text.text(), text.size()}});
}

// Whether the recording that this process has not opened yet has a plan that moves clocks.
bool PendingMovesClocks(const char* path) {
  alignas(trireme_plan) char bytes[sizeof(trireme_plan)];
  uint32_t size = 0;
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return false;
  const bool read =
      syscall(SYS_pread64, fd, &size, sizeof(size), offsetof(trireme_header, plan_size)) ==
          static_cast<long>(sizeof(size)) &&
      syscall(SYS_pread64, fd, bytes, sizeof(bytes), offsetof(trireme_header, plan)) ==
          static_cast<long>(sizeof(bytes));
  syscall(SYS_close, fd);
  const auto* plan = reinterpret_cast<const trireme_plan*>(bytes);
  return read && size >= sizeof(*plan) && plan->version == TRIREME_PLAN_VERSION && plan->clocks > 0;
}

// A process that looks at a clock and does nothing else that is recorded has not opened its recording.
[[gnu::noinline]] bool LookForClockFaults() {
  const KeepErrno keep;
  const char* path = PendingPath();
  if (path != nullptr && PendingMovesClocks(path)) {
    Attached();
    return __atomic_load_n(&clock_state, __ATOMIC_ACQUIRE) == kFaulty;
  }
  int look = kLook;
  __atomic_compare_exchange_n(&clock_state, &look, static_cast<int>(kNone), false, __ATOMIC_ACQ_REL,
                              __ATOMIC_ACQUIRE);
  return false;
}

// When, in nanoseconds since the trial's begin, a clock that is `now` true at Faults::elapsed() shows `shown`.
uint64_t WhenShown(const Faults& faults, uint32_t bit, int64_t now, int64_t shown) {
  for (uint64_t at = faults.elapsed();;) {
    const int64_t there = now + static_cast<int64_t>(at - faults.elapsed()) + faults.Shift(bit, at);
    if (there >= shown) return at;  // a jump has passed it
    const double rate = faults.Rate(bit, at);
    const uint64_t change = faults.NextChange(at);
    const double needed = rate > 0 ? static_cast<double>(shown - there) / rate : 1e19;
    if (change == 0 && needed > 9e18) return UINT64_MAX;
    if (change == 0 || static_cast<double>(at) + needed < static_cast<double>(change))
      return at + static_cast<uint64_t>(needed);
    at = change;
  }
}

// How long a wait takes that the kernel measures by the monotonic clock: so that as much passes by the shown one, and as much
// longer as timers are late.
int64_t TrueLength(int64_t shown) {
  const KeepErrno keep;
  const Faults faults;
  const int64_t late = faults.Late();
  if (late != 0) faults.Tell(0);
  const uint64_t length = faults.TrueLength(BitOf(CLOCK_MONOTONIC), shown);
  if (length != static_cast<uint64_t>(shown)) faults.Tell(BitOf(CLOCK_MONOTONIC));
  return static_cast<int64_t>(std::min(length, kLongest)) + late;
}

}  // namespace

int TrueClock(clockid_t clock, timespec* time) {
  static Next<int(clockid_t, timespec*)> next("clock_gettime");
  return next(clock, time);
}

bool HasClockFaults() {
  const int state = __atomic_load_n(&clock_state, __ATOMIC_RELAXED);
  if (state == kNone) [[likely]]
    return false;
  return state == kFaulty || LookForClockFaults();
}

void ShowClock(clockid_t clock, timespec* time) {
  const uint32_t bit = BitOf(clock);
  if (bit == 0) return;
  const KeepErrno keep;
  const Faults faults;
  faults.Tell(bit);
  const int64_t shift = faults.Shift(bit, faults.elapsed());
  if (shift != 0) *time = ToTimespec(InNanoseconds(*time) + shift);
}

const timespec* TrueDeadline(clockid_t clock, const timespec* shown, timespec* place) {
  if (!HasClockFaults() || shown == nullptr) return shown;
  // What the call refuses, or waits for ever, is passed on.
  if (shown->tv_sec < -kLatestSecond || shown->tv_sec > kLatestSecond || shown->tv_nsec < 0 ||
      shown->tv_nsec >= kSecond)
    return shown;
  if (clock == kUnknownClock) clock = shown->tv_sec < kYear2001 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  const uint32_t bit = BitOf(clock);
  if (bit == 0) return shown;
  const KeepErrno keep;
  const Faults faults;
  if (shown->tv_sec < 0 && !faults.PutsBack(bit)) return shown;
  const int64_t now = TrueNanoseconds(clock);
  const int64_t late = faults.Late();
  if (late != 0) faults.Tell(0);
  const int64_t wanted = InNanoseconds(*shown);
  const uint64_t when = WhenShown(faults, bit, now, wanted);
  if (when == UINT64_MAX) {
    *place = ToTimespec(kLatestSecond * kSecond);
    return place;
  }
  // What is over already stays so.
  const bool over = wanted <= now + faults.Shift(bit, faults.elapsed());
  *place = ToTimespec(over ? now : now + static_cast<int64_t>(when - faults.elapsed()) + late);
  return place;
}

int LaterTimeout(int milliseconds) {
  if (milliseconds <= 0 || !HasClockFaults()) return milliseconds;
  constexpr int64_t kMillisecond = 1000000;
  const int64_t later =
      (TrueLength(milliseconds * kMillisecond) + kMillisecond - 1) / kMillisecond;
  return later > INT32_MAX ? INT32_MAX : static_cast<int>(later);
}

const timespec* LaterTimeout(const timespec* timeout, timespec* place) {
  if (timeout == nullptr || !HasClockFaults()) return timeout;
  const bool none = timeout->tv_sec == 0 && timeout->tv_nsec == 0;
  if (none || timeout->tv_sec < 0 || timeout->tv_sec > kLatestSecond) return timeout;
  const int64_t shown = InNanoseconds(*timeout);
  const int64_t length = TrueLength(shown);
  if (length == shown) return timeout;
  *place = ToTimespec(length);
  return place;
}

timeval* LaterTimeout(timeval* timeout, timeval* place) {
  if (timeout == nullptr || !HasClockFaults()) return timeout;
  const timespec before = {.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
  timespec after{};
  if (LaterTimeout(&before, &after) == &before) return timeout;
  *place = {.tv_sec = after.tv_sec, .tv_usec = after.tv_nsec / 1000};
  return place;
}

uint64_t WaitThroughChanges::Begin() {
  const KeepErrno keep;
  return Faults().elapsed() + 1;
}

void WaitThroughChanges::Tell() const {
  const KeepErrno keep;
  Faults().TellChangesSince(begin_ - 1);
}

void UseClockFaults(trireme_header* header) {
  const bool faulty = header != nullptr && PlanOf(header) != nullptr;
  __atomic_store_n(&clock_header, faulty ? header : nullptr, __ATOMIC_RELEASE);
  __atomic_store_n(&clock_state, static_cast<int>(faulty ? kFaulty : kNone), __ATOMIC_RELEASE);
}

void ExpectClockFaults() {
  __atomic_store_n(&clock_state, static_cast<int>(kLook), __ATOMIC_RELEASE);
}

}  // namespace trireme
