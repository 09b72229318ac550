#ifndef TRIREME_HARNESS_CHECK_VALUE_GROUPS_H_
#define TRIREME_HARNESS_CHECK_VALUE_GROUPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/observations.h"
#include "harness/stats/exact.h"

namespace trireme {

// A key's texts with their counts in one cell, which must outlive it; "(absent)" stands for the
// trials without the key.
struct Side {
  const KeyValues* key = nullptr;
  int64_t trials = 0;
  int64_t first_absent = 0;
  int64_t absent() const { return trials - key->trials; }
  int64_t distinct() const {
    return static_cast<int64_t>(key->values.size()) + (absent() > 0 ? 1 : 0) +
           (key->others.count > 0 ? 1 : 0);
  }
};

Side SideOf(const CellObservations& cell, const std::string& key);

// Whether a side has texts that found no room, of which not all is known. Of numbers with a
// tolerance their range is, which is enough where they do not exceed the other's.
bool IsBounded(const Rule& rule, const Side& here, const Side& there);

// Numbers from `range`, widened by a share of its ends.
Interval Widened(const Interval& range, double tolerance);

// Values of a key that are tested as one: a text, the absence of the key, or, with a tolerance, all
// numbers above the reference's range or all below it.
struct ValueGroup {
  std::vector<std::string> texts;
  int64_t here = 0, there = 0;  // trials
  int64_t first_trial = INT64_MAX;
  TrialSet trials;     // here; not those of an absence
  double p = 1;        // that chance alone keeps it from the reference; 1 where it did not
  double least_p = 1;  // the least that p could have been; does not depend on who showed what
  bool rejected = false;

  bool unseen() const { return here > 0 && there == 0; }
};

// The groups of a key over both cells, those that only the reference showed included. So which
// groups there are, and what p each could have come to, depends on both cells' trials together and
// not on which trial was whose: what is tested is not picked by what was seen.
//
// The p of a text is Fisher's, of its count here against none there. That of the numbers above the
// reference's range is the same of their count k: the k greatest of all trials are then the cell's.
std::vector<ValueGroup> GroupValues(const Rule& rule, const Side& here, const Side& there);

// Marks what Fisher's test rejects at `alpha` over the whole family (Holm's method, over the groups
// that could be rejected at all), and returns the family's size.
size_t RejectTogether(const std::vector<ValueGroup*>& family, double alpha);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_VALUE_GROUPS_H_
