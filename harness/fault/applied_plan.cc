#include "harness/fault/applied_plan.h"

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "harness/fault/error_names.h"
#include "harness/fault/precedence.h"
#include "harness/fault/system_call.h"

namespace trireme {
namespace {

// A log says seconds, a plan nanoseconds.
Json Nanoseconds(const Json& seconds) {
  return static_cast<int64_t>(std::llround(seconds.get<double>() * 1e9));
}

// An error that the log has no name for is its number.
Json NamedError(const Json& error, bool resolver) {
  if (!error.is_number_integer()) return error;
  for (const ErrorName& known : ErrorNames())
    if (known.resolver == resolver && known.code == error.get<int64_t>())
      return std::string(known.name);
  return error;
}

Json ActionOfEvent(const Json& event) {
  Json action = GetMember(event, "do");
  for (const char* key : {"delay", "stall"})
    if (GetMember(action, key).is_number()) action[key] = Nanoseconds(action[key]);
  if (action.contains("error"))
    action["error"] = NamedError(action["error"], GetString(event, "call") == "getaddrinfo");
  return action;
}

// A name of its own for each: "cut.1", "cut.2".
std::string NumberedName(const std::string& name, size_t number) {
  const std::string suffix = "." + std::to_string(number);
  return name.substr(0, sizeof(trireme_fault_rule::name) - 1 - suffix.size()) + suffix;
}

// Whether nothing has moved after it, and the connection is whole.
bool MayComeAgain(const Fault& fault) {
  const Result<SystemCallFault> read = ReadSystemCallFault(fault);
  return read.ok() && (read->calls & ~kTransferCalls) == 0 &&
         (read->action == TRIREME_DO_ERROR || read->action == TRIREME_DO_INTERRUPT) &&
         PrecedenceOf(read->action, read->error) == Precedence::kError;
}

// Each rule costs a look at every call.
constexpr size_t kMostAtOnePlace = 100;

// Collects the faults of one history.
class AppliedReader {
 public:
  explicit AppliedReader(const FaultPlan& planned) : planned_(planned) {}

  void Add(const Event& event) {
    const Json value = event.Value();
    const std::string name(event.key);
    if (!value.is_object()) return;
    if (value.contains("call")) return AddSystemCall(name, value, event.process);
    if (value.contains("point")) return AddPoint(name, value);
    for (const Fault& fault : planned_.faults)
      if (fault.name == name && seen_.insert(name).second) faults_.push_back(fault);
  }

  std::vector<Fault> faults() && { return std::move(faults_); }
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  // How often one thing hit one place, in each process that did; an exact rule hits it in all of them.
  struct Hits {
    std::map<uint32_t, size_t> by_process;
    size_t most = 0;
    bool possible = true;
    bool again = false;  // whether it may come again at that place
  };

  // Of two things that end a connection at one byte the first one did.
  void AddSystemCall(const std::string& name, const Json& event, uint32_t process) {
    Fault fault{.key = "do", .members = ActionOfEvent(event), .at = PlaceOfCall(event)};
    Hits& hits = hits_[CanonicalJson({fault.members, fault.at})];
    const size_t count = ++hits.by_process[process];
    if (count <= hits.most) return;
    hits.most = count;
    if (count == 1)
      AddFirst(name, event, std::move(fault), hits);
    else if (hits.possible && hits.again)
      AddAgain(name, event, std::move(fault), count);
  }

  // What drives a point from outside hits one byte again and again, and so does a rule for each time, in turn.
  void AddAgain(const std::string& name, const Json& event, Fault fault, size_t count) {
    if (count <= kMostAtOnePlace) {
      fault.name = NumberedName(name, faults_.size() + 1);
      faults_.push_back(std::move(fault));
    } else if (count == kMostAtOnePlace + 1) {
      LeaveOut(name, event, fault,
               "it hit this place more often than the " + std::to_string(kMostAtOnePlace) +
                   " times that are brought back");
    }
  }

  void AddFirst(const std::string& name, const Json& event, Fault fault, Hits& hits) {
    fault.name = NumberedName(name, faults_.size() + 1);
    FaultPlan& there = by_place_[CanonicalJson(fault.at)];
    there.faults.push_back(fault);
    const Status possible = CheckFaultPlan(there);
    hits.possible = possible.ok();
    if (possible.ok()) {
      hits.again = MayComeAgain(fault);
      faults_.push_back(std::move(fault));
    } else {
      LeaveOut(name, event, fault, possible.error().message);
      there.faults.pop_back();
    }
  }

  void LeaveOut(const std::string& name, const Json& event, const Fault& fault,
                const std::string& why) {
    left_out_.push_back("'" + name + "' (" + DumpJson(fault.members) + " at " +
                        GetString(event, "call") + " of " + GetString(event, "connection") +
                        "): " + why);
  }

  void AddPoint(const std::string& name, const Json& event) {
    const Json& action = GetMember(event, "do");
    Json members = {
        {action.contains("timeout") ? "timeout" : "cancel", LiteralGlob(GetString(event, "task"))},
        {"point", GetMember(event, "point")},
        {"times", 1}};
    if (!seen_.insert(CanonicalJson(members)).second) return;
    faults_.push_back({.name = NumberedName(name, faults_.size() + 1),
                       .key = "task",
                       .members = std::move(members)});
  }

  const FaultPlan& planned_;
  std::set<std::string> seen_;
  std::map<std::string, Hits> hits_;
  std::map<std::string, FaultPlan> by_place_;  // only those at one can contradict each other
  std::vector<Fault> faults_;
  std::vector<std::string> left_out_;
};

Diagnostic Nothing(const std::vector<std::string>& left_out) {
  if (!left_out.empty())
    return UsageError("what was applied in this trial no plan can say: " + left_out.front());
  Diagnostic error = UsageError("no fault was applied in this trial");
  error.kind = ErrorKind::kNothing;
  return error;
}

}  // namespace

Result<PlanOfLog> AppliedPlan(const History& history, const FaultPlan& planned,
                              const std::string& name) {
  AppliedReader reader(planned);
  for (const Event& event : history.events())
    if (event.kind == EventKind::kFault) reader.Add(event);
  PlanOfLog log = {.plan = {}, .left_out = reader.left_out()};
  log.plan = {.name = name,
              .summary = "what was applied of " + planned.name,
              .faults = std::move(reader).faults()};
  if (log.plan.faults.empty()) return Nothing(log.left_out);
  return log;
}

}  // namespace trireme
