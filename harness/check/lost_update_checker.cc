#include "harness/check/lost_update_checker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "harness/check/operations.h"

namespace trireme {
namespace {

double ValueOf(const Operation& operation) {
  return operation.value.is_number() ? operation.value.get<double>() : 1.0;
}

// What `final` may be.
struct Range {
  double low = 0, high = 0;
  double size = 0;    // of all that is added, without signs
  bool whole = true;  // no fraction is among it
  int64_t acknowledged = 0, uncertain = 0;
};

Range AllowedRange(const std::vector<const Operation*>& operations) {
  Range range;
  for (const Operation* operation : operations) {
    const double value = ValueOf(*operation);
    if (operation->state == OperationState::kFail) continue;
    const bool certain = operation->state == OperationState::kOk;
    (certain ? range.acknowledged : range.uncertain)++;
    range.size += std::abs(value);
    range.whole = range.whole && std::floor(value) == value;
    range.low += certain ? value : std::min(value, 0.0);
    range.high += certain ? value : std::max(value, 0.0);
  }
  return range;
}

std::optional<double> LastObservation(const TrialView& view, const std::string& key) {
  std::optional<double> last;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kObserve || event.key != key) continue;
    const Json value = event.Value();
    last = value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
  }
  return last;
}

std::string Number(double value) {
  return DumpJson(std::abs(value) < 9e15 && std::floor(value) == value
                      ? Json(static_cast<int64_t>(value))
                      : Json(value));
}

// Integers up to 2^53 add up exactly. Other sums round, in each order otherwise, in proportion to all that is added, even
// where most of it is taken away again or ours comes to a whole number; and who observes a fraction may cut it short.
double Slack(const Range& range) {
  constexpr double kExactIntegers = 9007199254740992;  // 2^53
  if (range.whole && range.size <= kExactIntegers) return 0;
  const auto count = static_cast<double>(range.acknowledged + range.uncertain);
  const double rounded = count * std::numeric_limits<double>::epsilon() * range.size;
  const double shown = 1e-9 * std::max(std::abs(range.low), std::abs(range.high));
  return range.whole ? rounded : std::max(rounded, shown);
}

// Two operations of different tasks that were open at once: where an update may have been lost.
std::pair<const Operation*, const Operation*> Witness(std::vector<const Operation*> operations) {
  std::stable_sort(operations.begin(), operations.end(),
                   [](const Operation* a, const Operation* b) { return a->begin < b->begin; });
  const Operation* open = nullptr;  // the one that ends last
  for (const Operation* operation : operations) {
    if (operation->state == OperationState::kFail) continue;
    if (open != nullptr && open->task != operation->task && operation->begin < open->end)
      return {open, operation};
    if (open == nullptr || operation->end > open->end) open = operation;
  }
  return {nullptr, nullptr};
}

std::string Message(const std::string& op, const std::string& key, double found,
                    const Range& range) {
  std::string message = "'" + key + "' is " + Number(found) + ", but the acknowledged '" + op +
                        "' operations (" + std::to_string(range.acknowledged) + ") make ";
  if (range.low == range.high) return message + Number(range.low);
  return message + Number(range.low) + " to " + Number(range.high) + " with the " +
         std::to_string(range.uncertain) + " of unknown fate";
}

}  // namespace

std::string_view LostUpdateChecker::Summary() const {
  return "a final observation is the sum of the acknowledged increments: of the values given to rt.op, or 1 each";
}

std::vector<CheckArgument> LostUpdateChecker::Arguments() const {
  return {{.name = "op", .type = "text", .required = true, .fallback = nullptr},
          {.name = "final", .type = "text", .required = true, .fallback = nullptr}};
}

CheckResult LostUpdateChecker::Check(const TrialView& view, const Json& arguments) const {
  const std::string op = GetString(arguments, "op");
  const std::string key = GetString(arguments, "final");
  const std::vector<const Operation*> operations = OperationsNamed(view, {op});
  if (!AnyConcurrent(view, TasksOf(operations)))
    return Unknown("no two concurrent tasks did '" + op + "'");
  const std::optional<double> found = LastObservation(view, key);
  if (!found) return Unknown("no number was observed as '" + key + "'");
  const Range range = AllowedRange(operations);
  const double slack = Slack(range);
  if (*found >= range.low - slack && *found <= range.high + slack) return {};

  const auto [first, second] = Witness(operations);
  std::vector<Participant> participants;
  Json witness = Json::array();
  for (const Operation* operation : {first, second}) {
    if (operation == nullptr) continue;
    participants.push_back(view.ParticipantOf(operation->task));
    witness.push_back(OperationEvidence(*operation));
  }
  Finding finding = view.MakeFinding("lost-update", "lost-update", op + "\n" + key,
                                     Message(op, key, *found, range), std::move(participants));
  finding.evidence = {{"final", *found},
                      {"low", range.low},
                      {"high", range.high},
                      {"acknowledged", range.acknowledged},
                      {"uncertain", range.uncertain},
                      {"witness", std::move(witness)}};
  return Failed(std::move(finding));
}

}  // namespace trireme
