#include "harness/probe/processor_use.h"

#include <time.h>

#include "harness/probe/clock_faults.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

// A workload that does nothing but acknowledge is not to record twice as much.
constexpr uint64_t kLeastInterval = 1'000'000;  // nanoseconds

uint32_t processor_use_followed = 0;
uint32_t fault_since_note = 0;
uint64_t last_note = 0;

constexpr bool IsNotedAfter(uint16_t kind) {
  return kind == TRIREME_BEGIN || kind == TRIREME_END || kind == TRIREME_PROCESS ||
         kind == TRIREME_OK || kind == TRIREME_FAULT;
}

// The first fault since an operation was acknowledged, and the first operation since a fault; of the rest not all.
bool IsDue(uint16_t kind, uint64_t now) {
  if (kind == TRIREME_FAULT)
    return __atomic_exchange_n(&fault_since_note, 1, __ATOMIC_RELAXED) == 0;
  if (kind != TRIREME_OK) return true;
  return __atomic_exchange_n(&fault_since_note, 0, __ATOMIC_RELAXED) != 0 ||
         now - __atomic_load_n(&last_note, __ATOMIC_RELAXED) >= kLeastInterval;
}

[[gnu::noinline]] void RecordProcessorUse(uint16_t kind) {
  const uint64_t now = Now();
  if (!IsDue(kind, now)) return;
  __atomic_store_n(&last_note, now, __ATOMIC_RELAXED);
  timespec time{};
  if (TrueClock(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) return;
  const int64_t nanoseconds = int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  Record({.kind = TRIREME_USAGE,
          .type = TRIREME_INT,
          .key = {"processor", sizeof("processor") - 1},
          .value = {&nanoseconds, sizeof(nanoseconds)}});
}

}  // namespace

void FollowProcessorUse(const trireme_header* header) {
  ForgetProcessorUse();
  const bool followed =
      header != nullptr && header->plan_size >= sizeof(trireme_plan) &&
      (reinterpret_cast<const trireme_plan*>(header->plan)->flags & TRIREME_PLAN_PROCESSOR) != 0;
  __atomic_store_n(&processor_use_followed, followed ? 1 : 0, __ATOMIC_RELEASE);
}

void ForgetProcessorUse() {
  __atomic_store_n(&fault_since_note, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&last_note, 0, __ATOMIC_RELAXED);
}

void NoteProcessorUse(uint16_t kind) {
  if (!IsNotedAfter(kind) || __atomic_load_n(&processor_use_followed, __ATOMIC_ACQUIRE) == 0)
    return;
  RecordProcessorUse(kind);
}

}  // namespace trireme
