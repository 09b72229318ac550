#include "harness/check/equivalence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/check/value_groups.h"
#include "harness/stats/exact.h"

namespace trireme {
namespace {

constexpr size_t kShownValues = 20;  // of a key and side
constexpr size_t kShownKeys = 200;   // that do not differ
constexpr size_t kShownDifferences = 10000;
constexpr size_t kNamedValues = 3;  // in a message

std::string_view RuleName(const Rule& rule, const KeyValues& here, const KeyValues& there) {
  switch (rule.kind) {
    case RuleKind::kDefault:
      return here.most_in_a_trial <= 1 && there.most_in_a_trial <= 1 ? "exact" : "multiset";
    case RuleKind::kExact:
      return "exact";
    case RuleKind::kMultiset:
      return "multiset";
    case RuleKind::kSequence:
      return "sequence";
    case RuleKind::kSet:
      return "set";
    case RuleKind::kIgnore:
      return "ignore";
    case RuleKind::kTolerance:
      return "tolerance";
  }
  return "exact";
}

// Most frequent first.
std::vector<std::pair<std::string, int64_t>> Counts(const Side& side) {
  std::vector<std::pair<std::string, int64_t>> counts;
  for (const auto& [text, value] : side.key->values) counts.emplace_back(text, value.count);
  if (side.absent() > 0) counts.emplace_back("(absent)", side.absent());
  if (side.key->others.count > 0) counts.emplace_back("(others)", side.key->others.count);
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return counts;
}

Json CountsJson(const Side& side) {
  Json json = Json::object();
  int64_t left_out = 0;
  for (const auto& [text, count] : Counts(side)) {
    if (json.size() < kShownValues)
      json[text] = count;
    else
      left_out += count;
  }
  if (left_out > 0) json["(others)"] = left_out + GetInt(json, "(others)");
  return json;
}

bool IsInsideOfACharacter(const std::string& text, size_t place) {
  return place < text.size() && (static_cast<unsigned char>(text[place]) & 0xC0U) == 0x80U;
}

// Of a long value so much that a sentence has room for both sides, with what is at `place`.
std::string Excerpt(const std::string& text, size_t place) {
  constexpr size_t kLongest = 72;  // bytes
  constexpr size_t kBefore = 20;
  if (text.size() <= kLongest) return text;
  size_t begin = std::min(place > kBefore ? place - kBefore : 0, text.size() - kLongest);
  size_t end = begin + kLongest;
  while (IsInsideOfACharacter(text, begin)) ++begin;
  while (IsInsideOfACharacter(text, end)) --end;
  return (begin > 0 ? "..." : "") + text.substr(begin, end - begin) +
         (end < text.size() ? "..." : "");
}

size_t FirstDifference(const std::string& one, const std::string& other) {
  const size_t common = std::min(one.size(), other.size());
  return static_cast<size_t>(std::mismatch(one.begin(), one.begin() + common, other.begin()).first -
                             one.begin());
}

// Long values with what is at `place` in them.
std::string InWords(const Side& side, size_t place) {
  std::vector<std::pair<std::string, int64_t>> counts = Counts(side);
  for (auto& [text, count] : counts) text = Excerpt(text, place);
  if (counts.size() == 1) return counts.front().first + " in all " + std::to_string(side.trials);
  std::vector<std::string> parts;
  for (const auto& [text, count] : counts) {
    if (parts.size() == kNamedValues) break;
    parts.push_back(text + " in " + std::to_string(count));
  }
  const size_t more = counts.size() - parts.size();
  return Join(parts, ", ") + (more > 0 ? " and " + std::to_string(more) + " other values" : "") +
         " of " + std::to_string(side.trials);
}

// What the cell showed and its reference never did.
struct Unseen {
  std::vector<std::string> texts;
  int64_t trials = 0;
  int64_t first_trial = INT64_MAX;
  TrialSet shown;       // the trials themselves, but for those without the key
  bool absent = false;  // trials without the key are among them
  std::string instead;  // what the counterpart of the first trial showed, with inputs per trial

  void Add(const std::string& text, int64_t count, int64_t first) {
    texts.push_back(text);
    trials += count;
    first_trial = std::min(first_trial, first);
  }
  void Add(const ValueGroup& group) {
    texts.insert(texts.end(), group.texts.begin(), group.texts.end());
    trials += group.here;
    shown.AddAll(group.trials);
    absent |= group.trials.size() < group.here;
    first_trial = std::min(first_trial, group.first_trial);
  }
};

std::string UnseenInWords(const Unseen& unseen, size_t place) {
  std::vector<std::string> texts = unseen.texts;
  const size_t more = texts.size() > kNamedValues ? texts.size() - kNamedValues : 0;
  texts.resize(texts.size() - more);
  for (std::string& text : texts) text = Excerpt(text, place);
  return Join(texts, ", ") + (more > 0 ? " and " + std::to_string(more) + " other values" : "");
}

// A key while it is being judged.
struct Judged {
  std::string key;
  std::string_view rule;
  std::string_view verdict = "same";  // same, difference, unknown, nondeterministic
  std::string reason;                 // of unknown
  bool bounded = false;               // not all values were kept
  Side here, there;
  Unseen unseen;
  std::vector<ValueGroup> groups;  // what Fisher's test is asked, with fixed inputs
  double p = -1;                   // of Fisher's test, where it decided
  int64_t undecided_trial = -1;    // the first that `reason` is about
};

// The value that is nearest to being told from chance.
const ValueGroup* MostUnseen(const std::vector<ValueGroup>& groups) {
  const ValueGroup* most = nullptr;
  for (const ValueGroup& group : groups) {
    if (group.unseen() && (most == nullptr || group.here > most->here)) most = &group;
  }
  return most;
}

std::string OpenReason(const Judged& judged, const ValueGroup& open, size_t family) {
  Unseen unseen;
  unseen.Add(open);
  const auto others = std::count_if(judged.groups.begin(), judged.groups.end(),
                                    [](const ValueGroup& group) { return group.unseen(); }) -
                      1;
  const int64_t needed = FisherTrialsNeeded(open.here, judged.here.trials,
                                            kEquivalenceAlpha / static_cast<double>(family));
  return "'" + judged.key + "': " + UnseenInWords(unseen, 0) + " in " + std::to_string(open.here) +
         " of " + std::to_string(judged.here.trials) + " trials here, in 0 of " +
         std::to_string(judged.there.trials) + " of the reference" +
         (others > 0 ? ", and " + Count(others, "other value") + " that it never showed" : "") +
         "; " +
         (needed > 0 ? "about " + std::to_string(needed) + " trials would tell"
                     : "no number of trials would tell");
}

std::string BoundedReason(const Judged& judged) {
  const KeyValues& full = judged.here.key->others.count > 0 ? *judged.here.key : *judged.there.key;
  return "'" + judged.key + "' has more than " + std::to_string(full.values.size()) +
         " distinct values, which were not all kept";
}

// What was not kept cannot be the reference's one value where that was kept.
void AddUnkept(Judged& judged) {
  const KeyValues& there = *judged.there.key;
  const bool known =
      there.values.empty() || judged.here.key->values.contains(there.values.begin()->first);
  const ValueCount& unkept = judged.here.key->others;
  if (judged.rule == "tolerance" || unkept.count == 0 || !known) return;
  judged.unseen.Add("(others)", unkept.count, unkept.first_trial);
  judged.unseen.shown.AddAll(unkept.trials);
}

// After the family has been tested.
void JudgeFixedInputs(Judged& judged, size_t family) {
  // What was kept has all its trials here; of the reference, what was not kept may be anything.
  const ValueCount& unkept_there = judged.there.key->others;
  const bool hidden =
      unkept_there.count > 0 && !(judged.rule == "tolerance" && unkept_there.numeric);
  const ValueGroup* open = hidden ? nullptr : MostUnseen(judged.groups);
  const bool proven = judged.there.distinct() == 1;
  for (const ValueGroup& group : judged.groups) {
    if (open == nullptr || !group.unseen() || !(proven || group.rejected)) continue;
    judged.unseen.Add(group);
    if (!proven) judged.p = judged.p < 0 ? group.p : std::min(judged.p, group.p);
  }
  if (judged.unseen.trials > 0) {
    if (proven) AddUnkept(judged);
    judged.verdict = "difference";
  } else if (judged.bounded || open != nullptr) {
    judged.verdict = "unknown";
    judged.reason = judged.bounded ? BoundedReason(judged) : OpenReason(judged, *open, family);
    if (!judged.bounded && open->first_trial != INT64_MAX)
      judged.undecided_trial = open->first_trial;
  }
}

// What is tested is chosen before it is known which of it the reference never showed: every value
// of every key that is compared.
void JudgeFamily(std::vector<Judged>& all) {
  std::vector<ValueGroup*> family;
  for (Judged& judged : all) {
    for (ValueGroup& group : judged.groups) family.push_back(&group);
  }
  const size_t size = std::max<size_t>(1, RejectTogether(family, kEquivalenceAlpha));
  for (Judged& judged : all) {
    if (!judged.groups.empty()) JudgeFixedInputs(judged, size);
  }
}

using Texts = std::map<uint64_t, std::string>;

Texts TextsByHash(const KeyValues& key) {
  Texts texts;
  for (const auto& [text, value] : key.values) texts[Hash64(text)] = text;
  return texts;
}

std::string TextOf(const std::optional<uint64_t>& hash, const Texts& texts) {
  if (!hash) return "(absent)";
  const auto found = texts.find(*hash);
  return found == texts.end() ? "(others)" : found->second;
}

std::optional<uint64_t> HashOf(const KeyValues& key, int64_t trial) {
  const auto found = key.by_trial.find(trial);
  if (found == key.by_trial.end()) return std::nullopt;
  return found->second;
}

bool IsTolerated(const Judged& judged, const Rule& rule, int64_t trial) {
  const auto here = judged.here.key->numbers.find(trial);
  const auto there = judged.there.key->numbers.find(trial);
  if (here == judged.here.key->numbers.end() || there == judged.there.key->numbers.end())
    return false;
  const Interval range =
      Widened({.low = there->second.low, .high = there->second.high}, rule.tolerance);
  return here->second.low >= range.low && here->second.high <= range.high;
}

// Each trial against its counterpart, which had the same inputs.
void JudgePerTrialInputs(Judged& judged, const Rule& rule, const std::vector<int64_t>& common) {
  const Texts texts = TextsByHash(*judged.here.key);
  for (const int64_t trial : common) {
    const std::optional<uint64_t> here = HashOf(*judged.here.key, trial);
    const std::optional<uint64_t> there = HashOf(*judged.there.key, trial);
    if (here == there) continue;
    if (rule.kind == RuleKind::kTolerance && IsTolerated(judged, rule, trial)) continue;
    if (judged.unseen.trials == 0)
      judged.unseen.instead = TextOf(there, TextsByHash(*judged.there.key));
    judged.unseen.Add(TextOf(here, texts), 1, trial);
    judged.unseen.shown.Add(trial);
  }
  if (judged.unseen.trials > 0) judged.verdict = "difference";
}

std::string DifferenceMessage(const Judged& judged, const std::string& reference_name,
                              bool per_trial) {
  const std::string& here = judged.unseen.texts.front();
  if (per_trial) {
    const size_t place = FirstDifference(here, judged.unseen.instead);
    return "'" + judged.key + "' differs from " + reference_name + " in " +
           std::to_string(judged.unseen.trials) +
           (judged.unseen.trials == 1 ? " trial" : " trials") +
           " with the same inputs, first in trial " + std::to_string(judged.unseen.first_trial) +
           ": " + Excerpt(here, place) + " here, " + Excerpt(judged.unseen.instead, place) +
           " there";
  }
  const std::vector<std::pair<std::string, int64_t>> there = Counts(judged.there);
  const size_t place = there.empty() ? 0 : FirstDifference(here, there.front().first);
  return "'" + judged.key + "' was " + UnseenInWords(judged.unseen, place) + " in " +
         std::to_string(judged.unseen.trials) + " of " + std::to_string(judged.here.trials) +
         " trials, never on " + reference_name + " (" + InWords(judged.there, place) +
         ")";
}

Difference MakeDifference(const Judged& judged, const std::string& reference_name,
                          const std::string& scenario, bool per_trial) {
  Difference difference;
  difference.count = judged.unseen.trials;
  difference.first_trial = judged.unseen.first_trial;
  difference.trials = judged.unseen.shown;
  Finding& finding = difference.finding;
  finding.check = "equivalence";
  finding.kind = "difference";
  finding.message = DifferenceMessage(judged, reference_name, per_trial);
  finding.signature = Signature("difference", scenario + '\n' + judged.key, {});
  finding.evidence = {{"key", judged.key},
                      {"rule", judged.rule},
                      {"here", CountsJson(judged.here)},
                      {"there", CountsJson(judged.there)},
                      {"reference", reference_name}};
  if (judged.p >= 0) finding.evidence["p"] = judged.p;
  if (!judged.here.key->classes.empty())
    finding.evidence["classes_here"] = judged.here.key->classes;
  if (!judged.there.key->classes.empty())
    finding.evidence["classes_there"] = judged.there.key->classes;
  return difference;
}

std::set<std::string> KeysToCompare(const CellObservations& here, const CellObservations& there) {
  std::set<std::string> keys;
  for (const CellObservations* side : {&here, &there}) {
    for (const auto& [key, values] : side->keys()) {
      const Rule rule = here.RuleOf(key);
      if (rule.kind == RuleKind::kIgnore) continue;
      const bool classes = key == kClassKey;
      if (classes && (rule.kind == RuleKind::kDefault || here.language() != there.language()))
        continue;
      keys.insert(key);
    }
  }
  return keys;
}

std::vector<int64_t> CommonTrials(const CellObservations& here, const CellObservations& there) {
  std::vector<int64_t> common;
  for (const auto& [trial, hurt] : here.seen()) {
    const auto counterpart = there.seen().find(trial);
    if (counterpart != there.seen().end() && counterpart->second == hurt) common.push_back(trial);
  }
  std::sort(common.begin(), common.end());
  return common;
}

int Weight(std::string_view verdict) {
  if (verdict == "difference") return 0;
  if (verdict == "unknown") return 1;
  return verdict == "nondeterministic" ? 2 : 3;
}

void AddEntries(Comparison& comparison, std::vector<Judged>& all) {
  std::stable_sort(all.begin(), all.end(), [](const Judged& a, const Judged& b) {
    return Weight(a.verdict) < Weight(b.verdict);
  });
  for (const Judged& judged : all) {
    const bool differs = judged.verdict == "difference";
    if (comparison.entries.size() >= (differs ? kShownDifferences : kShownKeys)) break;
    comparison.entries.push_back({{"key", judged.key},
                                  {"rule", judged.rule},
                                  {"verdict", judged.verdict},
                                  {"here", CountsJson(judged.here)},
                                  {"there", CountsJson(judged.there)}});
  }
}

Comparison UnknownComparison(std::string reason) {
  Comparison comparison;
  comparison.verdict = Verdict::kUnknown;
  comparison.reason = std::move(reason);
  return comparison;
}

// Why no key was compared, and what would change that.
std::string NothingInWords(const CellObservations& here, const CellObservations& there,
                           const std::vector<Judged>& all) {
  std::vector<std::string> keys;
  for (const Judged& judged : all) keys.push_back("'" + judged.key + "'");
  const size_t more = keys.size() > kNamedValues ? keys.size() - kNamedValues : 0;
  keys.resize(keys.size() - more);
  if (!keys.empty())
    return Join(keys, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "") +
           (all.size() == 1 ? " is" : " are") +
           " nondeterministic in the reference and compared only by an explicit rule of `compare`";
  if (here.ignored_some() || there.ignored_some())
    return "`compare` ignores every key that was observed";
  return "no trial observed anything; observe what is to be the same (rt.observe, rt.outcome), or "
         "choose `checks` without equivalence";
}

// Of a command: what its exit status says follows from its tests, so these come first.
void MoveTestsFirst(std::vector<Judged>& all) {
  std::stable_partition(all.begin(), all.end(),
                        [](const Judged& judged) { return judged.key.starts_with(kTestPrefix); });
}

bool ShowsSteady(const CellObservations* unfaulted, const std::string& key) {
  return unfaulted != nullptr && unfaulted->trials() >= 2 && unfaulted->keys().contains(key);
}

// Whether a key is another in each trial, on both sides. Trials that differ by their faults only do not tell whether these
// make it so, in another way on each side, or it varies by itself.
bool VariesThroughout(const Judged& judged, const std::vector<int64_t>& common) {
  if (common.size() < 2 || judged.unseen.trials < static_cast<int64_t>(common.size())) return false;
  for (const KeyValues* side : {judged.here.key, judged.there.key}) {
    std::set<std::optional<uint64_t>> distinct;
    for (const int64_t trial : common) distinct.insert(HashOf(*side, trial));
    if (distinct.size() < common.size()) return false;
  }
  return true;
}

void DoubtVariation(Judged& judged) {
  judged.verdict = "unknown";
  judged.reason = "'" + judged.key + "' is another in each of " +
                  std::to_string(judged.unseen.trials) +
                  " trials, here and in the reference: whether by the faults or by itself is not "
                  "known; run it without faults as well (--faults none,...), or give it a rule";
}

std::vector<Judged> JudgeKeys(const CellObservations& here, const CellObservations& there,
                              const CellObservations* unfaulted,
                              const std::vector<int64_t>& common) {
  std::vector<std::string> unsteady = NondeterministicKeys(there);
  if (unfaulted != nullptr)
    for (std::string& key : NondeterministicKeys(*unfaulted)) unsteady.push_back(std::move(key));
  std::vector<Judged> all;
  for (const std::string& key : KeysToCompare(here, there)) {
    const Rule rule = here.RuleOf(key);
    Judged judged;
    judged.key = key;
    judged.here = SideOf(here, key);
    judged.there = SideOf(there, key);
    judged.rule = RuleName(rule, *judged.here.key, *judged.there.key);
    if (here.mixed(key) || there.mixed(key)) {
      judged.verdict = "unknown";
      judged.reason = "'" + key + "' is of tests that ran on what their arm is not";
    } else if (rule.kind == RuleKind::kDefault &&
               std::find(unsteady.begin(), unsteady.end(), key) != unsteady.end()) {
      judged.verdict = "nondeterministic";
    } else if (here.per_trial()) {
      JudgePerTrialInputs(judged, rule, common);
      if (here.same_inputs() && rule.kind == RuleKind::kDefault && !ShowsSteady(unfaulted, key) &&
          VariesThroughout(judged, common))
        DoubtVariation(judged);
    } else {
      judged.bounded = IsBounded(rule, judged.here, judged.there);
      judged.groups = GroupValues(rule, judged.here, judged.there);
    }
    all.push_back(std::move(judged));
  }
  JudgeFamily(all);
  MoveTestsFirst(all);
  return all;
}

// How far tasks beside the one that came to the event have come by then, and whether a process notices its end, is a matter of
// the moment: it need not be a difference.
void DoubtDifferences(std::vector<Judged>& all) {
  for (Judged& judged : all) {
    if (judged.verdict != "difference") continue;
    judged.verdict = "unknown";
    judged.reason = "'" + judged.key +
                    "' is not the same here and there, but the plan itself ended trials, and what "
                    "other tasks had done by then is a matter of the moment";
  }
}

}  // namespace

std::vector<std::string> NondeterministicKeys(const CellObservations& reference) {
  std::vector<std::string> keys;
  const int64_t odd = reference.trials() - reference.even();
  if (reference.per_trial() || reference.even() == 0 || odd == 0) return keys;
  for (const auto& [key, values] : reference.keys()) {
    if (key == kClassKey || reference.RuleOf(key).kind == RuleKind::kTolerance) continue;
    const int64_t absent_even = reference.even() - values.even;
    const int64_t absent_odd = odd - (values.trials - values.even);
    bool differs = values.others.count > 0 || (absent_even > 0) != (absent_odd > 0);
    for (const auto& [text, value] : values.values)
      differs |= value.even == 0 || value.even == value.count;
    if (differs) keys.push_back(key);
  }
  return keys;
}

Comparison CompareCells(const CellObservations& here, const CellObservations& reference,
                        const std::string& reference_name, const std::string& scenario,
                        const CellObservations* unfaulted) {
  if (here.trials() == 0)
    return UnknownComparison("no trial ran to its end, so there is nothing to compare");
  if (reference.trials() == 0) return UnknownComparison("no trial of the reference ran to its end");
  if (here.too_many_keys() || reference.too_many_keys()) {
    return UnknownComparison("more than " + std::to_string(CellObservations::kMostKeys) +
                             " keys were observed");
  }
  const std::vector<int64_t> common =
      here.per_trial() ? CommonTrials(here, reference) : std::vector<int64_t>();
  if (here.per_trial() && common.empty())
    return UnknownComparison("no trial has its counterpart in the reference");

  Comparison comparison;
  std::vector<Judged> all = JudgeKeys(here, reference, unfaulted, common);
  if (here.cut() + reference.cut() > 0) DoubtDifferences(all);
  for (const Judged& judged : all) {
    comparison.keys += judged.verdict == "nondeterministic" ? 0 : 1;
    if (judged.verdict == "difference") {
      comparison.differences.push_back(
          MakeDifference(judged, reference_name, scenario, here.per_trial()));
      if (judged.unseen.absent)
        comparison.differences.back().trials.AddAll(here.TrialsWithout(judged.key));
      if (comparison.verdict != Verdict::kFail)
        comparison.reason = comparison.differences.back().finding.message;
      comparison.verdict = Verdict::kFail;
    } else if (judged.verdict == "unknown") {
      if (comparison.verdict == Verdict::kPass) {
        comparison.reason = judged.reason;
        comparison.undecided_trial = judged.undecided_trial;
      }
      comparison.verdict = Heavier(comparison.verdict, Verdict::kUnknown);
    }
  }
  if (comparison.keys == 0) {
    comparison.verdict = Verdict::kUnknown;
    comparison.reason = "nothing was compared: " + NothingInWords(here, reference, all);
  }
  AddEntries(comparison, all);
  return comparison;
}

}  // namespace trireme
