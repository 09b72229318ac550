#ifndef TRIREME_HARNESS_CHECK_OBSERVATIONS_H_
#define TRIREME_HARNESS_CHECK_OBSERVATIONS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/trial_set.h"
#include "harness/check/trial_view.h"

namespace trireme {

struct TrialValues;  // what one trial has of one key

// How the values of a key are compared (interface.md section 2.1, Equivalence).
enum class RuleKind {
  kDefault,   // exact when every trial of both cells has the key at most once, else multiset
  kExact,     // the values, in their order where a trial has several
  kMultiset,  // the values, whatever their order
  kSequence,  // the values in their order
  kSet,       // which values, however often
  kIgnore,
  kTolerance,  // numbers inside the reference's range, widened by a share of its ends
};

struct Rule {
  RuleKind kind = RuleKind::kDefault;
  double tolerance = 0;
};

// Total: what is no rule is the default one.
Rule ParseRule(const Json& rule);

// The keys under which what is no observation is compared; `compare` may name them too. "(exception
// classes)" is compared only when it does, and only within one language.
inline constexpr std::string_view kOutcomeKey = "(outcome)";
inline constexpr std::string_view kExceptionKey = "(exceptions)";  // that nobody caught, by family
inline constexpr std::string_view kClassKey = "(exception classes)";
std::string OperationExceptionKey(std::string_view operation);  // "(exceptions of sell)"
inline constexpr std::string_view kTestPrefix = "test:";  // before the name of a command's test

// Equal values have equal texts: members sorted, 2.0 as 2, an exception as its family and errno. So that different ones do not,
// bytes are other than their base64, and integers beyond 64 bits and NaN (Event::ExactValue()) no text.
std::string ValueText(const Json& value);

// In how many trials of a cell a key came to one text.
struct ValueCount {
  int64_t count = 0;
  int64_t even = 0;  // of them, trials of the even half: see CellObservations
  int64_t first_trial = 0;
  bool numeric = false;  // all its values are numbers, these their ends
  double low = 0, high = 0;
  TrialSet trials;
};

// The ends of the numbers that one trial has of a key.
struct TrialNumbers {
  double low = 0, high = 0;
};

// One key's values over the trials of a cell.
struct KeyValues {
  std::map<std::string, ValueCount> values;  // by text, as many as the cell keeps
  ValueCount others;                         // texts that found no room
  int64_t most_in_a_trial = 0;
  int64_t trials = 0;                              // that have it
  int64_t even = 0;                                // of them
  int64_t first_absent = INT64_MAX;                // the first trial without it
  std::unordered_map<int64_t, uint64_t> by_trial;  // hash of the text; for inputs: per-trial only
  std::unordered_map<int64_t, TrialNumbers> numbers;  // as by_trial, where a tolerance is the rule
  std::map<std::string, std::string> classes;  // evidence for exceptions: family to a raw class
};

// The comparable part of a cell, fed with one trial at a time. It keeps counts of distinct values,
// and which trials showed each as ranges: at most 16 bytes for each key and trial, and the same
// again with `inputs: per-trial`, where each trial has only its counterpart to be compared with. A
// text longer than kLongestText is cut, and keeps its hash.
//
// The trials' places in the plan, even or odd, split them into two halves for the comparison with
// itself.
class CellObservations {
 public:
  static constexpr size_t kMostValues = 4096;  // distinct ones of a key
  static constexpr size_t kMostKeys = 50000;   // a suite of tests has one a test
  static constexpr size_t kLongestText = 400;  // bytes

  // `cell` is one of plan.json; of each key `most_values` distinct values are kept.
  explicit CellObservations(const Json& cell, size_t most_values = kMostValues);

  // A trial that was cut short, or whose record is not whole, is left out: what it did not observe
  // says nothing.
  void AddTrial(int64_t trial, const TrialView& view);
  // Of a command's trial in which these tests ran on what their arm is not: what they came to says nothing of the arm, nor
  // does what all tests came to together, such as the exit status. The other tests are as good as ever.
  void AddMixedTrial(int64_t trial, const TrialView& view, const std::vector<std::string>& tests);

  // What is missing of the first trial that was left out because its record is not whole; "" when none was.
  const std::string& missing() const { return missing_; }

  bool per_trial() const { return per_trial_; }
  // Of all trials, which differ by what they suffer at most.
  bool same_inputs() const { return same_inputs_; }
  const std::string& language() const { return language_; }
  int64_t trials() const { return static_cast<int64_t>(seen_.size()); }
  int64_t even() const { return even_; }
  // Those of them that the plan ended at an event or a byte: they observed what came before.
  int64_t cut() const { return cut_; }
  int64_t first_trial() const { return first_trial_; }
  // The trials, and of a sweep whether each came to its point: one that did not suffered nothing, and is no counterpart of
  // one that did.
  const std::unordered_map<int64_t, bool>& seen() const { return seen_; }
  const std::map<std::string, KeyValues>& keys() const { return keys_; }
  const KeyValues& Key(const std::string& key) const;  // empty when no trial has it
  Rule RuleOf(const std::string& key) const;
  bool too_many_keys() const { return too_many_keys_; }
  bool ignored_some() const { return ignored_some_; }                        // a key, by its rule
  bool mixed(const std::string& key) const { return mixed_.contains(key); }  // in some trial
  TrialSet TrialsWithout(const std::string& key) const;

 private:
  void AddKey(const std::string& key, const TrialValues& values, int64_t trial, bool even);

  bool CameToItsPoint(int64_t trial, const TrialView& view) const;

  std::map<std::string, Rule> rules_;
  std::vector<std::string> sweep_;  // the fault of each point; trial k suffers that of point k - 1
  std::vector<int64_t> planned_;
  std::string language_;
  size_t most_values_;
  bool same_inputs_ = true;
  bool per_trial_ = false;
  bool too_many_keys_ = false;
  bool ignored_some_ = false;
  int64_t even_ = 0;
  int64_t first_trial_ = INT64_MAX;
  std::unordered_map<int64_t, bool> seen_;
  std::map<std::string, KeyValues> keys_;
  std::set<std::string> mixed_;
  int64_t cut_ = 0;
  std::string missing_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_OBSERVATIONS_H_
