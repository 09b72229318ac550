#include "harness/check/value_groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace trireme {
namespace {

// Where the numbers of a key lie.
std::optional<Interval> RangeOf(const KeyValues& key) {
  std::optional<Interval> range;
  const auto add = [&](const ValueCount& value) {
    if (value.count == 0 || !value.numeric) return;
    if (!range) range = Interval{.low = value.low, .high = value.high};
    range->low = std::min(range->low, value.low);
    range->high = std::max(range->high, value.high);
  };
  for (const auto& [text, value] : key.values) add(value);
  add(key.others);
  return range;
}

void AddTo(ValueGroup& group, const std::string& text, const ValueCount& value) {
  group.texts.push_back(text);
  group.here += value.count;
  group.first_trial = std::min(group.first_trial, value.first_trial);
  group.trials.AddAll(value.trials);
}

class Grouping {
 public:
  Grouping(const Rule& rule, const Side& here, const Side& there)
      : rule_(rule), here_(here), there_(there) {}

  std::vector<ValueGroup> Group() {
    const bool by_range = rule_.kind == RuleKind::kTolerance;
    if (by_range) GroupNumbers();
    GroupTexts(by_range);
    ValueGroup absent{.texts = {"(absent)"}, .here = here_.absent(), .there = there_.absent()};
    absent.first_trial = here_.first_absent;
    if (absent.here + absent.there > 0) AddCounted(std::move(absent));
    return std::move(groups_);
  }

 private:
  // Fisher's p of `count` trials here and none there.
  double Chance(int64_t count) {
    if (count <= 0 || count > here_.trials) return 1;
    const auto [found, is_new] = chances_.try_emplace(count, 1);
    if (is_new)
      found->second = FisherExact({.seen_here = count,
                                   .not_here = here_.trials - count,
                                   .seen_there = 0,
                                   .not_there = there_.trials});
    return found->second;
  }

  void AddCounted(ValueGroup group) {
    group.least_p = Chance(group.here + group.there);
    if (group.unseen()) group.p = group.least_p;
    groups_.push_back(std::move(group));
  }

  void GroupTexts(bool without_numbers) {
    std::map<std::string, ValueGroup> by_text;
    for (const auto& [text, value] : here_.key->values) {
      if (!(without_numbers && value.numeric)) AddTo(by_text[text], text, value);
    }
    for (const auto& [text, value] : there_.key->values) {
      if (!(without_numbers && value.numeric)) by_text[text].there += value.count;
    }
    for (auto& [text, group] : by_text) AddCounted(std::move(group));
  }

  // Without a number there, any number here is above its range.
  void GroupNumbers() {
    const std::optional<Interval> there = RangeOf(*there_.key);
    if (!there && !RangeOf(*here_.key)) return;
    ValueGroup below;
    ValueGroup above;
    for (const auto& [text, value] : here_.key->values) {
      if (!value.numeric) continue;
      if (!there || value.high > Widened(*there, rule_.tolerance).high)
        AddTo(above, text, value);
      else if (value.low < Widened(*there, rule_.tolerance).low)
        AddTo(below, text, value);
    }
    for (ValueGroup* group : {&below, &above}) {
      group->least_p = Chance(here_.trials);
      group->p = Chance(group->here);
      groups_.push_back(std::move(*group));
    }
  }

  const Rule& rule_;
  const Side& here_;
  const Side& there_;
  std::map<int64_t, double> chances_;  // by count
  std::vector<ValueGroup> groups_;
};

}  // namespace

Side SideOf(const CellObservations& cell, const std::string& key) {
  const KeyValues& values = cell.Key(key);
  return {.key = &values,
          .trials = cell.trials(),
          .first_absent = values.trials == 0 ? cell.first_trial() : values.first_absent};
}

Interval Widened(const Interval& range, double tolerance) {
  return {.low = range.low - tolerance * std::abs(range.low),
          .high = range.high + tolerance * std::abs(range.high)};
}

bool IsBounded(const Rule& rule, const Side& here, const Side& there) {
  const ValueCount& unkept = here.key->others;
  const ValueCount& unkept_there = there.key->others;
  if (rule.kind != RuleKind::kTolerance) return unkept.count + unkept_there.count > 0;
  if (unkept_there.count > 0 && !unkept_there.numeric) return true;
  if (unkept.count == 0) return false;
  const std::optional<Interval> range = RangeOf(*there.key);
  if (!range || !unkept.numeric) return true;
  const Interval widened = Widened(*range, rule.tolerance);
  return unkept.low < widened.low || unkept.high > widened.high;
}

std::vector<ValueGroup> GroupValues(const Rule& rule, const Side& here, const Side& there) {
  return Grouping(rule, here, there).Group();
}

size_t RejectTogether(const std::vector<ValueGroup*>& family, double alpha) {
  std::vector<double> least;
  least.reserve(family.size());
  for (const ValueGroup* group : family) least.push_back(group->least_p);
  const std::vector<bool> testable = TestableTogether(least, alpha);
  std::vector<ValueGroup*> tested;
  std::vector<double> p_values;
  for (size_t i = 0; i < family.size(); ++i) {
    if (!testable[i]) continue;
    tested.push_back(family[i]);
    p_values.push_back(family[i]->p);
  }
  const std::vector<bool> rejected = HolmRejects(p_values, alpha);
  for (size_t i = 0; i < tested.size(); ++i) tested[i]->rejected = rejected[i];
  return tested.size();
}

}  // namespace trireme
