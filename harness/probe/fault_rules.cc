#include "harness/probe/fault_rules.h"

#include "harness/probe/glob.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

trireme_plan* active_plan = nullptr;
trireme_fault_rule* plan_rules = nullptr;
trireme_connection* plan_connections = nullptr;
trireme_listener* plan_listeners = nullptr;
uint64_t plan_begin = 0;  // of the trial, by the clock of records
bool plan_always = false;

// The finalizer of SplitMix64.
uint64_t Mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

uint64_t Draw(const trireme_fault_rule& rule, const Subject& subject, uint64_t number) {
  const uint64_t what = uint64_t{subject.side} << 8 | subject.call;
  return Mix(Mix(rule.seed ^ Mix(subject.hash ^ Mix(what + 1))) + number * 0x9e3779b97f4a7c15u);
}

bool Matches(const trireme_fault_rule& rule, const Subject& subject) {
  if ((rule.calls >> subject.call & 1) == 0) return false;
  if (rule.sides != 0 && (rule.sides >> subject.side & 1) == 0) return false;
  return rule.connection[0] == '\0' || MatchesGlob(rule.connection, subject.id) ||
         MatchesGlob(rule.connection, subject.name);
}

// How many units are looked through at once for one that chance has hit.
constexpr uint64_t kUnitsAtOnce = 1024;

// Where in a stream chance hits first, from `from` on; false, and how far it was looked.
bool NextChance(const trireme_fault_rule& rule, const Subject& subject, uint64_t from,
                uint64_t* found) {
  const uint64_t first = from / TRIREME_CHANCE_UNIT;
  for (uint64_t unit = first; unit < first + kUnitsAtOnce; ++unit) {
    const uint64_t draw = Draw(rule, subject, unit);
    if (draw >= rule.chance) continue;
    *found = unit * TRIREME_CHANCE_UNIT + Mix(draw) % TRIREME_CHANCE_UNIT;
    if (*found >= from) return true;
  }
  *found = (first + kUnitsAtOnce) * TRIREME_CHANCE_UNIT;
  return false;
}

// The same for any rule.
bool NextOf(const trireme_fault_rule& rule, const Subject& subject, uint64_t from,
            uint64_t* found) {
  switch (rule.when) {
    case TRIREME_WHEN_ALWAYS:
      *found = from;
      return true;
    case TRIREME_WHEN_AT:
      *found = rule.at >= from ? rule.at : Due::kNowhere;
      return true;
    case TRIREME_WHEN_EVERY: {
      const uint64_t multiple =
          rule.at == 0 ? Due::kNowhere : (from + rule.at - 1) / rule.at * rule.at;
      *found = multiple == 0 ? rule.at : multiple;
      return true;
    }
    default:
      return NextChance(rule, subject, from, found);
  }
}

bool HitsEvent(const trireme_fault_rule& rule, const Subject& subject, uint64_t number) {
  switch (rule.when) {
    case TRIREME_WHEN_ALWAYS:
      return true;
    case TRIREME_WHEN_AT:
      return number == rule.at;
    case TRIREME_WHEN_EVERY:
      return rule.at != 0 && (number + 1) % rule.at == 0;
    default:
      return Draw(rule, subject, number) < rule.chance;
  }
}

bool IsItsTime(const trireme_fault_rule& rule) {
  const uint64_t now = Now() - plan_begin;
  return now >= rule.after && (rule.until == 0 || now < rule.until);
}

// Adds one, of at most `most`; 0: any number. Counts nothing that is not applied, not even for a moment: another thread would
// be refused its place.
template <typename Count>
bool CountUpTo(Count* count, uint32_t most) {
  Count before = __atomic_load_n(count, __ATOMIC_RELAXED);
  do {
    if (most != 0 && before >= most) return false;
  } while (!__atomic_compare_exchange_n(count, &before, static_cast<Count>(before + 1),
                                        /*weak=*/true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return true;
}

void CountDown(uint8_t* count) {
  uint8_t before = __atomic_load_n(count, __ATOMIC_RELAXED);
  while (before != 0 &&
         !__atomic_compare_exchange_n(count, &before, static_cast<uint8_t>(before - 1),
                                      /*weak=*/true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

// How often the rule was applied on the connection; null: it has no limit there.
uint8_t* TimesOn(trireme_connection* connection, const trireme_fault_rule& rule) {
  if (rule.limit == 0 || connection == nullptr) return nullptr;
  return &connection->times[rule.counter % TRIREME_PLAN_LIMITS];
}

}  // namespace

trireme_plan* ActivePlan() { return __atomic_load_n(&active_plan, __ATOMIC_ACQUIRE); }

// The tables lie behind the header in the pages that are mapped with it: the harness saw to it.
void TakePlan(trireme_header* header) {
  trireme_plan* plan = nullptr;
  if (header != nullptr && header->plan_size >= sizeof(trireme_plan))
    plan = reinterpret_cast<trireme_plan*>(header->plan);
  if (plan != nullptr && plan->version != TRIREME_PLAN_VERSION) plan = nullptr;
  const bool followed = plan != nullptr && plan->connections != 0;
  if (followed) {
    char* start = reinterpret_cast<char*>(header);
    plan_rules = reinterpret_cast<trireme_fault_rule*>(start + plan->rules_at);
    plan_connections = reinterpret_cast<trireme_connection*>(start + plan->connections_at);
    plan_listeners = reinterpret_cast<trireme_listener*>(start + plan->listeners_at);
    plan_begin = header->begin_time;
    plan_always = false;
    for (uint32_t i = 0; i < plan->rules; ++i)
      plan_always = plan_always || plan_rules[i].when == TRIREME_WHEN_ALWAYS;
  }
  __atomic_store_n(&active_plan, followed ? plan : nullptr, __ATOMIC_RELEASE);
}

bool PlanHits(trireme_fault_call call) {
  const trireme_plan* plan = ActivePlan();
  return plan != nullptr && (plan->calls >> call & 1) != 0;
}

uint32_t RuleCount() {
  const trireme_plan* plan = ActivePlan();
  return plan == nullptr ? 0 : plan->rules;
}

trireme_fault_rule& RuleAt(uint32_t index) { return plan_rules[index]; }
trireme_connection* ConnectionAt(uint32_t index) { return plan_connections + index; }
trireme_listener* ListenerAt(uint32_t index) { return plan_listeners + index; }
uint32_t IndexOf(const trireme_connection* connection) {
  return static_cast<uint32_t>(connection - plan_connections);
}

bool HasRulesForEachCall() { return plan_always; }

Due NextDue(const Subject& subject, uint64_t offset, uint32_t first) {
  Due next;
  const uint32_t count = RuleCount();
  for (uint32_t i = 0; i < count; ++i) {
    const trireme_fault_rule& rule = plan_rules[i];
    // Such a rule is due where a call begins, and cuts none.
    if (rule.when == TRIREME_WHEN_ALWAYS && i < first) continue;
    if (!Matches(rule, subject)) continue;
    uint64_t found = Due::kNowhere;
    const bool hit = NextOf(rule, subject, i < first ? offset + 1 : offset, &found);
    if (found < next.offset) next = {found, hit ? i : Due::kLookAgain};
  }
  return next;
}

uint32_t NextRule(const Subject& subject, uint64_t number, uint32_t first) {
  const uint32_t count = RuleCount();
  for (uint32_t i = first; i < count; ++i)
    if (Matches(plan_rules[i], subject) && HitsEvent(plan_rules[i], subject, number)) return i;
  return count;
}

bool MayApply(trireme_fault_rule& rule, trireme_connection* connection) {
  if (!IsItsTime(rule)) return false;
  uint8_t* times = TimesOn(connection, rule);
  // That of the connection first: who has one is refused there only where the trial has had all of them.
  if (times != nullptr && !CountUpTo(times, rule.limit)) return false;
  if (CountUpTo(&rule.applied, rule.total)) return true;
  if (times != nullptr) CountDown(times);
  return false;
}

void TakeBack(trireme_fault_rule& rule, trireme_connection* connection) {
  __atomic_fetch_sub(&rule.applied, 1, __ATOMIC_RELAXED);
  if (uint8_t* times = TimesOn(connection, rule); times != nullptr) CountDown(times);
}

void Outdone::Add(const trireme_fault_rule& rule, trireme_connection* connection) {
  if (count_ == kMost || rule.dry != 0 || !IsItsTime(rule)) return;
  const uint8_t* times = TimesOn(connection, rule);
  if (times != nullptr && __atomic_load_n(times, __ATOMIC_RELAXED) >= rule.limit) return;
  if (rule.total != 0 && __atomic_load_n(&rule.applied, __ATOMIC_RELAXED) >= rule.total) return;
  rules_[count_++] = &rule;
}

// FNV-1a, finished: ids are short.
uint64_t HashOf(const char* text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *text != '\0'; ++text) hash = (hash ^ static_cast<unsigned char>(*text)) * 0x100000001b3u;
  return Mix(hash);
}

}  // namespace trireme
