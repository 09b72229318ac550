#include "harness/check/observations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>

#include "harness/base/base64.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/ended_by_fault.h"

namespace trireme {

// What one trial has of one key.
struct TrialValues {
  std::vector<std::string> texts;  // in their order
  bool numeric = true;
  double low = HUGE_VAL, high = -HUGE_VAL;
  std::map<std::string, std::string> classes;

  // `value` as Event::ExactValue() has it.
  void Add(const Json& value) {
    texts.push_back(ValueText(value));
    const double number = value.is_number() ? value.get<double>() : HUGE_VAL;
    if (!std::isfinite(number)) {
      numeric = false;
      return;
    }
    low = std::min(low, number);
    high = std::max(high, number);
  }
};

namespace {

using ValuesByKey = std::map<std::string, TrialValues>;

// Numbers that are equal in every language have one text.
std::string NumberText(const Json& value) {
  if (!value.is_number_float()) return DumpJson(value);
  const double number = value.get<double>();
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  constexpr double kBeyondInt64 = 9223372036854775808.0;  // and twice that, beyond uint64
  if (std::floor(number) == number && number >= -kBeyondInt64 && number < 2 * kBeyondInt64)
    return number < kBeyondInt64 ? std::to_string(static_cast<int64_t>(number))
                                 : std::to_string(static_cast<uint64_t>(number));
  return DumpJson(value);
}

// Of an integer beyond 64 bits; as the floating-point number that is equal to it, where one is.
std::string DigitsText(const std::string& digits) {
  const double number = std::strtod(digits.c_str(), nullptr);
  if (!std::isfinite(number)) return digits;
  std::array<char, 400> exact{};
  std::snprintf(exact.data(), exact.size(), "%.0f", number);
  return digits == exact.data() ? DumpJson(Json(number)) : digits;
}

// Bytes are no text, though JSON has their base64: b"" and "" are two results.
std::string BinaryText(const Json& value) {
  const auto& binary = value.get_binary();
  const std::string bytes(binary.begin(), binary.end());
  if (binary.has_subtype()) return DigitsText(ToValidUtf8(bytes));
  return "bytes " + DumpJson(Json(EncodeBase64(bytes)));
}

// Beside the text that it is shown as, which may be another value.
std::string TextText(const Json& value) {
  const auto& text = value.get_ref<const std::string&>();
  const std::string shown = DumpJson(value);
  if (ToValidUtf8(text) == text) return shown;
  return shown + " of bytes " + DumpJson(Json(EncodeBase64(text)));
}

// Of a key that is no text, by how JSON would have it as one: as the value has it, so that {1: 0} is {1.0: 0}.
std::string KeyText(const std::string& key) {
  const bool is_integer = key.find_first_not_of("-0123456789") == std::string::npos;
  const Json value = Json::parse(key, nullptr, /*allow_exceptions=*/false);
  if (!value.is_number()) return key;
  return is_integer && value.is_number_float() ? DigitsText(key) : NumberText(value);
}

// A key of Python that is no text stands without quotes: {1: 0} is not {"1": 0}.
std::string NameText(const std::string& name) {
  const std::string printable = PrintableName(name);
  if (name.starts_with(std::string_view("\0n", 2))) return KeyText(printable);
  const std::string shown = DumpJson(Json(printable));
  if (!name.starts_with(std::string_view("\0r", 2))) return shown;
  return shown + " of bytes " + DumpJson(Json(name.substr(2)));
}

std::string ListText(std::vector<std::string> texts, RuleKind rule) {
  const bool ordered = rule == RuleKind::kExact || rule == RuleKind::kSequence;
  if (!ordered) std::sort(texts.begin(), texts.end());
  if (rule == RuleKind::kSet) texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  std::string text = Join(texts, ", ");
  if (text.size() <= CellObservations::kLongestText) return text;
  char hash[80];
  std::snprintf(hash, sizeof hash, "... (%zu bytes, hash %016llx%016llx)", text.size(),
                static_cast<unsigned long long>(Hash64(text)),
                static_cast<unsigned long long>(Hash64(text, Mix64(text.size()))));
  text.resize(CellObservations::kLongestText);
  return ToValidUtf8(text) + hash;
}

// What is missing of its record; "" when it is whole.
std::string MissingInWords(const TrialView& view) {
  if (!view.history->damage().empty()) return "its history is damaged";
  return view.history->lost() > 0 ? LostInWords(*view.history) : "";
}

// REQUIRES: its record is whole.
bool CameToAnEnd(const TrialView& view) {
  if (view.begin == nullptr || !view.exit.present) return false;
  if (view.end == nullptr) return EndedAtAPoint(view);
  return view.end->key == "returned" || view.end->key == "raised";
}

// The exception that a value is, as runners record one (probe_abi.h). What only resembles it is a
// map of the workload's own.
std::optional<TrialError> RecordedException(const Json& value) {
  const size_t members = value.contains("after") ? 6 : 5;
  if (!value.is_object() || value.size() != members) return std::nullopt;
  if (!value.contains("errno") || !GetMember(value, "message").is_string()) return std::nullopt;
  return GetMember(value, "stack").is_array() ? ParseError(value) : std::nullopt;
}

void AddError(ValuesByKey& values, const std::string& key, const Event& event) {
  const std::optional<TrialError> error = ParseError(event.Value());
  if (!error) return;
  const std::string family = error->Family();
  values[key].Add(family);
  values[key].classes.emplace(family, error->type);
  values[std::string(kClassKey)].Add(error->type);
}

void AddObservation(ValuesByKey& values, const Event& event) {
  const Json value = event.ExactValue();
  if (RecordedException(value))
    AddError(values, std::string(event.key), event);
  else
    values[std::string(event.key)].Add(value);
}

// Several hooks may see one exception, so those that nobody caught are a set.
void MakeSet(ValuesByKey& values, std::string_view key) {
  const auto found = values.find(std::string(key));
  if (found == values.end()) return;
  std::vector<std::string>& texts = found->second.texts;
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

ValuesByKey ValuesOf(const TrialView& view) {
  ValuesByKey values;
  for (const Event& event : view.history->events()) {
    switch (event.kind) {
      case EventKind::kObserve:
        AddObservation(values, event);
        break;
      case EventKind::kOutcome:
        values[std::string(kOutcomeKey)].Add(std::string(event.key));
        break;
      case EventKind::kFail:
      case EventKind::kInfo:
        AddError(values, OperationExceptionKey(event.key), event);
        break;
      case EventKind::kException:
        AddError(values, std::string(kExceptionKey), event);
        break;
      case EventKind::kEnd:
        if (event.key == "raised") AddError(values, std::string(kExceptionKey), event);
        break;
      default:
        break;
    }
  }
  MakeSet(values, kExceptionKey);
  MakeSet(values, kClassKey);
  return values;
}

}  // namespace

Rule ParseRule(const Json& rule) {
  if (const Json& tolerance = GetMember(rule, "tolerance"); tolerance.is_number()) {
    return {.kind = RuleKind::kTolerance, .tolerance = std::max(0.0, tolerance.get<double>())};
  }
  const std::string name = rule.is_string() ? rule.get<std::string>() : "";
  if (name == "exact") return {.kind = RuleKind::kExact};
  if (name == "multiset") return {.kind = RuleKind::kMultiset};
  if (name == "sequence") return {.kind = RuleKind::kSequence};
  if (name == "set") return {.kind = RuleKind::kSet};
  if (name == "ignore") return {.kind = RuleKind::kIgnore};
  return {};
}

std::string OperationExceptionKey(std::string_view operation) {
  return "(exceptions of " + std::string(operation) + ")";
}

std::string ValueText(const Json& value) {
  if (value.is_number()) return NumberText(value);
  if (value.is_string()) return TextText(value);
  if (value.is_binary()) return BinaryText(value);
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const Json& item : value) parts.push_back(ValueText(item));
    return "[" + Join(parts, ",") + "]";
  }
  if (!value.is_object()) return DumpJson(value);
  if (const std::optional<TrialError> error = RecordedException(value))
    return DumpJson(Json(error->Family()));
  std::vector<std::string> parts;
  for (const auto& [key, member] : value.items())
    parts.push_back(NameText(key) + ":" + ValueText(member));
  std::sort(parts.begin(), parts.end());
  return "{" + Join(parts, ",") + "}";
}

namespace {

// Whether trial k suffers other faults than trial k + 1, by chance or in a sweep: then only its counterpart suffered the
// same.
bool SuffersByTrial(const Json& cell) {
  if (GetMember(cell, "sweep").is_array()) return true;
  const Json& plan = GetMember(cell, "fault_plan");
  const Json& faults = plan.is_object() ? GetMember(plan, "all") : plan;
  if (!faults.is_array()) return false;
  return std::any_of(faults.begin(), faults.end(), [](const Json& fault) {
    const bool drawn = !GetMember(GetMember(fault, "at"), "probability").is_null() ||
                       !GetMember(fault, "network").is_null();
    return drawn && GetMember(fault, "seed").is_null();
  });
}

}  // namespace

CellObservations::CellObservations(const Json& cell, size_t most_values)
    : language_(GetString(cell, "language")),
      most_values_(most_values),
      same_inputs_(GetString(cell, "inputs") != "per-trial"),
      per_trial_(!same_inputs_ || SuffersByTrial(cell)) {
  if (const Json& compare = GetMember(cell, "compare"); compare.is_object()) {
    for (const auto& [key, rule] : compare.items())
      if (key != "wire") rules_[key] = ParseRule(rule);  // that is no key, see wire_fields.h
  }
  if (const Json& trials = GetMember(cell, "trials"); trials.is_array()) {
    for (const Json& trial : trials) {
      if (trial.is_number_integer()) planned_.push_back(trial.get<int64_t>());
    }
  }
  std::sort(planned_.begin(), planned_.end());
  if (const Json& sweep = GetMember(cell, "sweep"); sweep.is_array()) {
    for (const Json& point : sweep) sweep_.push_back(GetString(point, "fault"));
  }
}

Rule CellObservations::RuleOf(const std::string& key) const {
  const auto found = rules_.find(key);
  return found == rules_.end() ? Rule{} : found->second;
}

const KeyValues& CellObservations::Key(const std::string& key) const {
  static const KeyValues& none = *new KeyValues();
  const auto found = keys_.find(key);
  return found == keys_.end() ? none : found->second;
}

void CellObservations::AddTrial(int64_t trial, const TrialView& view) {
  const std::string missing = MissingInWords(view);
  if (missing_.empty()) missing_ = missing;
  if (!missing.empty() || !CameToAnEnd(view)) return;
  if (!seen_.emplace(trial, CameToItsPoint(trial, view)).second) return;
  const auto place = std::lower_bound(planned_.begin(), planned_.end(), trial) - planned_.begin();
  const bool even = place % 2 == 0;
  even_ += even ? 1 : 0;
  cut_ += view.end == nullptr ? 1 : 0;
  const ValuesByKey values_by_key = ValuesOf(view);
  for (const auto& [key, values] : values_by_key) {
    if (RuleOf(key).kind == RuleKind::kIgnore)
      ignored_some_ = true;
    else
      AddKey(key, values, trial, even);
  }
  for (auto& [key, known] : keys_) {
    if (!values_by_key.contains(key)) known.first_absent = std::min(known.first_absent, trial);
  }
  first_trial_ = std::min(first_trial_, trial);
}

void CellObservations::AddMixedTrial(int64_t trial, const TrialView& view,
                                     const std::vector<std::string>& tests) {
  AddTrial(trial, view);
  if (!seen_.contains(trial)) return;
  for (const std::string& test : tests) mixed_.insert(std::string(kTestPrefix) + test);
  for (const auto& [key, values] : ValuesOf(view))
    if (!key.starts_with(kTestPrefix)) mixed_.insert(key);
}

bool CellObservations::CameToItsPoint(int64_t trial, const TrialView& view) const {
  if (trial < 1 || trial > static_cast<int64_t>(sweep_.size())) return false;
  const std::string& name = sweep_[static_cast<size_t>(trial - 1)];
  return NamesOfAppliedFaults(view).contains(name);
}

void CellObservations::AddKey(const std::string& key, const TrialValues& values, int64_t trial,
                              bool even) {
  if (keys_.size() >= kMostKeys && !keys_.contains(key)) {
    too_many_keys_ = true;
    return;
  }
  const auto [known_key, is_new] = keys_.try_emplace(key);
  KeyValues& known = known_key->second;
  if (is_new) known.first_absent = first_trial_;  // no trial before this one had it
  const std::string text = ListText(values.texts, RuleOf(key).kind);
  known.most_in_a_trial =
      std::max(known.most_in_a_trial, static_cast<int64_t>(values.texts.size()));
  known.trials += 1;
  known.even += even ? 1 : 0;
  if (per_trial_) known.by_trial[trial] = Hash64(text);
  if (per_trial_ && values.numeric && RuleOf(key).kind == RuleKind::kTolerance)
    known.numbers[trial] = {.low = values.low, .high = values.high};
  for (const auto& [family, type] : values.classes) known.classes.emplace(family, type);

  auto found = known.values.find(text);
  if (found == known.values.end() && known.values.size() < most_values_) {
    found = known.values.emplace(text, ValueCount{}).first;
  }
  ValueCount& count = found == known.values.end() ? known.others : found->second;
  count.first_trial = count.count == 0 ? trial : std::min(count.first_trial, trial);
  // What found no room has many texts: their numbers together.
  count.numeric = values.numeric && (count.count == 0 || count.numeric);
  count.low = count.count == 0 ? values.low : std::min(count.low, values.low);
  count.high = count.count == 0 ? values.high : std::max(count.high, values.high);
  count.count += 1;
  count.even += even ? 1 : 0;
  count.trials.Add(trial);
}

TrialSet CellObservations::TrialsWithout(const std::string& key) const {
  const KeyValues& known = Key(key);
  TrialSet with = known.others.trials;
  for (const auto& [text, value] : known.values) with.AddAll(value.trials);
  TrialSet without;
  for (const auto& [trial, seen] : seen_) {
    if (!with.Contains(trial)) without.Add(trial);
  }
  return without;
}

}  // namespace trireme
