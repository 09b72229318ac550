#ifndef TRIREME_HARNESS_CHECK_EQUIVALENCE_H_
#define TRIREME_HARNESS_CHECK_EQUIVALENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/observations.h"
#include "harness/check/verdict.h"

namespace trireme {

// The chance, at most, that any difference found by counting is none: over all values of all keys
// of a cell, each tested alone, corrected together by Holm's method.
inline constexpr double kEquivalenceAlpha = 0.01;

// One key's difference.
struct Difference {
  Finding finding;
  int64_t count = 0;  // trials that showed what the reference never did
  int64_t first_trial = 0;
  TrialSet trials;  // those of count
};

struct Comparison {
  Verdict verdict = Verdict::kPass;
  std::string reason;  // of a verdict that is not pass
  std::vector<Difference> differences;
  Json entries = Json::array();  // `comparison` of results.json
  int64_t keys = 0;              // that were compared; nondeterministic ones were not
  int64_t undecided_trial = -1;  // the first with the value that the verdict unknown is about; -1: no one trial is
};

// Keys that the reference itself does not decide: one half of its trials shows a value that the
// other never does. They are compared by an explicit rule only. None with fewer than two trials, or
// with inputs that change from trial to trial.
std::vector<std::string> NondeterministicKeys(const CellObservations& reference);

// Compares a cell with its reference key by key, keys of only one of them and trials without a key
// included.
//
// A value that no trial of the reference showed is a difference where the reference showed one
// value throughout, or where Fisher's exact test on its count rejects that it is as rare there.
// Else the key is unknown, with both counts and the trials that would tell. With per-trial inputs
// each trial is compared with its counterpart alone, which is one value throughout.
//
// Each value is tested alone. All that the reference never showed, taken together, would be a set
// that was picked by the very data it is tested on: of a key that is uniform over 25 values, 20
// trials of the reference miss half, and 20 trials of the same show one of those 9 times, which
// Fisher's test calls a chance of 0.0004.
//
// What is promised: of a cell that does what its reference does, a key of which the reference
// showed several values is called a difference with at most kEquivalenceAlpha, over all such keys.
// What is not: where a value has the chance q in both cells, the reference of n trials misses it
// and shows one value throughout with (1-q)^n; that is the price of finding a rare difference at
// all, and why trials are chosen by the scenario.
//
// A comparison of no key at all, because nothing was observed or all of it is ignored or
// nondeterministic, is unknown and says so: it is no evidence of anything.
//
// Trials whose faults are drawn by their seeds have counterparts, too, but the same inputs. Which keys the reference does not
// decide by itself is then for `unfaulted` to say: it without faults, null where the run has no such cell. Without it a key
// that is another in each trial, here and there, is unknown.
//
// Takes O(keys x values). `reference_name` is "eventlet/3.11".
Comparison CompareCells(const CellObservations& here, const CellObservations& reference,
                        const std::string& reference_name, const std::string& scenario,
                        const CellObservations* unfaulted = nullptr);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_EQUIVALENCE_H_
