// Faults of tasks: whether one strikes at the point that the current task comes to.
#include "harness/probe/points.h"

#include <string.h>

#include "harness/probe/glob.h"
#include "harness/probe/probe_abi.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

static_assert(TRIREME_PLAN_TASKS == 8, "a byte has a bit for each fault");

// A task suffers a fault once: on its way out it comes to more points. By its number, a bit for each fault of the plan;
// tasks beyond these suffer none. Pages that nobody touches cost nothing.
constexpr uint32_t kMostTasks = 1u << 20;
uint8_t struck[kMostTasks];
const uint8_t* struck_by = nullptr;  // the plan whose faults those are

// Of each task: how many that a fault matches were surely born before its next child, whatever the schedule: those that it
// spawned, itself, and the same of its parent when it was born. Of a later task nothing is known.
constexpr uint32_t kMostParents = 1u << 17;
constexpr uint16_t kMany = UINT16_MAX;
uint16_t born[kMostParents][TRIREME_PLAN_TASKS];

// nullptr: the recording asks for none.
trireme_plan* PlanWithTaskFaults() {
  uint32_t size = 0;
  const uint8_t* block = Plan(&size);
  if (size < sizeof(trireme_plan)) return nullptr;
  // The block is ours to count in; others only read it.
  auto* plan = reinterpret_cast<trireme_plan*>(const_cast<uint8_t*>(block));
  return plan->version == TRIREME_PLAN_VERSION && plan->tasks != 0 ? plan : nullptr;
}

uint64_t SinceBegin() {
  const trireme_header* header = AttachedHeader();
  const uint64_t now = Now();
  return header == nullptr || now < header->begin_time ? 0 : now - header->begin_time;
}

// Another recording numbers its tasks anew.
void ForgetTasksOfOthers(const uint8_t* plan) {
  const uint8_t* before = __atomic_exchange_n(&struck_by, plan, __ATOMIC_ACQ_REL);
  if (before == nullptr || before == plan) return;
  memset(struck, 0, sizeof(struck));
  memset(born, 0, sizeof(born));
}

bool StrikesAt(const trireme_task_fault& fault, const char* path, const char* name,
               uint64_t ordinal) {
  if (fault.ordinal != 0 && fault.ordinal != ordinal) return false;
  if (!MatchesGlob(fault.task, path) && !MatchesGlob(fault.task, name)) return false;
  return fault.after == 0 || SinceBegin() >= fault.after;
}

// Which tasks are there after a while is a matter of time: so it is of these that it strikes the first that come.
bool ChoosesByTime(const trireme_task_fault& fault) { return fault.after != 0; }

// False: it was applied as often as it may be.
bool CountApplied(trireme_task_fault& fault) {
  uint32_t applied = __atomic_load_n(&fault.applied, __ATOMIC_RELAXED);
  do {
    if (fault.limit != 0 && ChoosesByTime(fault) && applied >= fault.limit) return false;
  } while (!__atomic_compare_exchange_n(&fault.applied, &applied, applied + 1, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return true;
}

uint16_t AddOne(uint16_t count) {
  return count == kMany ? kMany : static_cast<uint16_t>(count + 1);
}

// How many were born before a child of that task, which is one of them or not.
uint16_t CountBirth(uint32_t parent, uint32_t fault, bool matches) {
  if (parent == 0) return 0;
  if (parent >= kMostParents) return kMany;
  uint16_t* count = &born[parent][fault];
  uint16_t before = __atomic_load_n(count, __ATOMIC_RELAXED);
  while (matches && !__atomic_compare_exchange_n(count, &before, AddOne(before), false,
                                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return before;
}

void CopyPath(char* place, size_t room, const Bytes& text) {
  TextBuffer(place, room).AddBytes(static_cast<const char*>(text.data), text.size);
}

// "" where the plan does not say.
Bytes NameOfTaskFault(const trireme_task_fault& fault) {
  uint32_t size = 0;
  const auto* plan = reinterpret_cast<const trireme_plan*>(Plan(&size));
  if (plan->names_at == 0 || fault.fault == 0 || fault.fault > plan->names) return {};
  const char* name = reinterpret_cast<const char*>(AttachedHeader()) + plan->names_at +
                     uint64_t{fault.fault - 1} * TRIREME_FAULT_NAME;
  return {name, strnlen(name, TRIREME_FAULT_NAME)};
}

void RecordTaskFault(const trireme_task_fault& fault, const char* path, uint64_t ordinal) {
  char place[512];
  TextBuffer text(place, sizeof(place));
  text.Add("{\"do\":{\"").Add(fault.how == 1 ? "timeout" : "cancel").Add("\":true},\"point\":");
  text.AddNumber(static_cast<int64_t>(ordinal)).Add(",\"task\":\"").AddEscaped(path).Add("\"}");
  Record({.kind = TRIREME_FAULT,
          .type = TRIREME_JSON,
          .task = CurrentTask(),
          .id = fault.fault,
          .key = NameOfTaskFault(fault),
          .value = {text.text(), text.size()}});
}

}  // namespace

void NoteBirth(const Entry& start) {
  const trireme_plan* plan = PlanWithTaskFaults();
  if (plan == nullptr || start.task >= kMostTasks) return;
  ForgetTasksOfOthers(reinterpret_cast<const uint8_t*>(plan));
  char path[96];
  char name[96];
  CopyPath(path, sizeof(path), start.key);
  CopyPath(name, sizeof(name), start.type == TRIREME_TEXT ? start.value : Bytes{});
  const uint32_t count = plan->tasks < TRIREME_PLAN_TASKS ? plan->tasks : TRIREME_PLAN_TASKS;
  for (uint32_t i = 0; i < count; ++i) {
    const trireme_task_fault& fault = plan->task[i];
    if (fault.limit == 0 || ChoosesByTime(fault)) continue;
    const bool matches = MatchesGlob(fault.task, path) || MatchesGlob(fault.task, name);
    const auto parent = start.id < kMostTasks ? static_cast<uint32_t>(start.id) : kMostTasks;
    const uint16_t before = CountBirth(parent, i, matches);
    if (start.task < kMostParents)
      __atomic_store_n(&born[start.task][i], matches ? AddOne(before) : before, __ATOMIC_RELAXED);
    // It is treated as one that has suffered it.
    if (matches && before >= fault.limit)
      struck[start.task] = static_cast<uint8_t>(struck[start.task] | 1u << i);
  }
}

int ComeToPoint(const char* path, const char* name, uint64_t ordinal) {
  trireme_plan* plan = PlanWithTaskFaults();
  if (plan == nullptr) return 0;
  if (ordinal == 0) return 1;
  const uint32_t task = CurrentTask();
  if (task >= kMostTasks) return 0;
  ForgetTasksOfOthers(reinterpret_cast<const uint8_t*>(plan));
  const uint32_t count = plan->tasks < TRIREME_PLAN_TASKS ? plan->tasks : TRIREME_PLAN_TASKS;
  for (uint32_t i = 0; i < count; ++i) {
    trireme_task_fault& fault = plan->task[i];
    if (fault.how == TRIREME_TASK_NOTED) {
      if (StrikesAt(fault, path, name, ordinal)) RecordTaskFault(fault, path, ordinal);
      continue;
    }
    const auto bit = static_cast<uint8_t>(1u << i);
    if ((struck[task] & bit) != 0 || !StrikesAt(fault, path, name, ordinal)) continue;
    if (!CountApplied(fault)) continue;
    struck[task] = static_cast<uint8_t>(struck[task] | bit);
    RecordTaskFault(fault, path, ordinal);
    return fault.how == 1 ? 2 : 1;
  }
  return 0;
}

}  // namespace trireme
