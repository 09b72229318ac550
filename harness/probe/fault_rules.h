#ifndef TRIREME_HARNESS_PROBE_FAULT_RULES_H_
#define TRIREME_HARNESS_PROBE_FAULT_RULES_H_

#include <stdint.h>

#include "harness/probe/descriptors.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// The plan of the recording that this process is attached to, and what its rules decide. Decisions are pure functions
// of a rule's seed and of what is said here of the call, so that they are the same under every runtime.

// Of whom a decision is made: a connection, or a task where the call belongs to none.
struct Subject {
  uint64_t hash = 0;  // of `id`
  const char* id = "-";
  const char* name = "-";
  uint8_t side = 0;  // 0: the end that connected, or there is none; 1: the one that listened
  trireme_fault_call call = TRIREME_CALL_RECV;
};

// Where in a stream which rule is due.
struct Due {
  uint64_t offset = kNowhere;
  uint32_t rule = 0;

  static constexpr uint64_t kNowhere = ~uint64_t{0} >> 16;
  // No rule, but the end of how far was looked.
  static constexpr uint32_t kLookAgain = 0xffff;

  uint64_t word() const { return offset << 16 | rule; }
  static Due FromWord(uint64_t word) { return {word >> 16, static_cast<uint32_t>(word & 0xffff)}; }
};

// Null where there is no plan, or none that system calls have to ask.
trireme_plan* ActivePlan();
void TakePlan(trireme_header* header);
// Whether some rule hits calls of that kind.
bool PlanHits(trireme_fault_call call);

// Whether some rule is due wherever a call begins: then what is due is to be found anew after each.
bool HasRulesForEachCall();

uint32_t RuleCount();
trireme_fault_rule& RuleAt(uint32_t index);
trireme_connection* ConnectionAt(uint32_t index);
trireme_listener* ListenerAt(uint32_t index);
uint32_t IndexOf(const trireme_connection* connection);

// The first rule that is due at `offset` or later; at `offset` itself only rules from `first` on are.
Due NextDue(const Subject& subject, uint64_t offset, uint32_t first);
// The first rule from `first` on that hits event `number`, counted from 0; RuleCount() when there is none.
uint32_t NextRule(const Subject& subject, uint64_t number, uint32_t first);
// Whether the rule may be applied now: its time has come and is not over, and it was not applied too often. Counts it.
// `connection`: null where the call is on none, so that no limit of its own holds.
bool MayApply(trireme_fault_rule& rule, trireme_connection* connection);
// It came to nothing after all, and counts neither there nor in the trial: the call moved nothing.
void TakeBack(trireme_fault_rule& rule, trireme_connection* connection);

// Rules that were due where another one ended the call or its connection, and so were not applied: the first of them.
class Outdone {
 public:
  // Unless its time or its limits had kept it away all the same. Counts nothing.
  void Add(const trireme_fault_rule& rule, trireme_connection* connection);
  int count() const { return count_; }
  const trireme_fault_rule& at(int i) const { return *rules_[i]; }

 private:
  static constexpr int kMost = 4;
  const trireme_fault_rule* rules_[kMost];
  int count_ = 0;
};

uint64_t HashOf(const char* text);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_FAULT_RULES_H_
