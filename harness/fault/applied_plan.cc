#include "harness/fault/applied_plan.h"

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "harness/fault/error_names.h"
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

// Collects the faults of one history.
class AppliedReader {
 public:
  explicit AppliedReader(const FaultPlan& planned) : planned_(planned) {}

  void Add(const Event& event) {
    const Json value = event.Value();
    const std::string name(event.key);
    if (!value.is_object()) return;
    if (value.contains("call")) return AddSystemCall(name, value);
    if (value.contains("point")) return AddPoint(name, value);
    for (const Fault& fault : planned_.faults)
      if (fault.name == name && seen_.insert(name).second) faults_.push_back(fault);
  }

  std::vector<Fault> faults() && { return std::move(faults_); }
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  // Where a rule without a place hit the same byte again and again, once is all that an exact one can do; of two things
  // that end a connection at one byte the first one did.
  void AddSystemCall(const std::string& name, const Json& event) {
    Fault fault{.key = "do", .members = ActionOfEvent(event), .at = PlaceOfCall(event)};
    if (!seen_.insert(CanonicalJson({fault.members, fault.at})).second) return;
    fault.name = NumberedName(name, faults_.size() + 1);
    FaultPlan& there = by_place_[CanonicalJson(fault.at)];
    there.faults.push_back(fault);
    if (const Status possible = CheckFaultPlan(there); possible.ok()) {
      faults_.push_back(std::move(fault));
    } else {
      left_out_.push_back("'" + name + "' (" + DumpJson(fault.members) + " at " +
                          GetString(event, "call") + " of " + GetString(event, "connection") +
                          "): " + possible.error().message);
      there.faults.pop_back();
    }
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
