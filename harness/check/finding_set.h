#ifndef TRIREME_HARNESS_CHECK_FINDING_SET_H_
#define TRIREME_HARNESS_CHECK_FINDING_SET_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/check/results.h"

namespace trireme {

// The findings of a cell's trials, once per kind and signature: as the first trial showed each, with its count. Keeps only as
// many as a report can show.
class FindingSet {
 public:
  // `count` trials showed it, first `first_trial`.
  void Add(const Finding& finding, int64_t count, int64_t first_trial);

  // In the order in which they were first added.
  const std::vector<CellFinding>& all() const { return all_; }
  int64_t left_out() const { return left_out_; }  // for want of room

 private:
  std::vector<CellFinding> all_;
  std::unordered_map<std::string, size_t> places_;  // in all_, by kind and signature
  int64_t left_out_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_FINDING_SET_H_
