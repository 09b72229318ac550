#ifndef TRIREME_HARNESS_CHECK_TRIAL_SET_H_
#define TRIREME_HARNESS_CHECK_TRIAL_SET_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace trireme {

// Numbers of trials. Keeps ranges, so that what every trial of a cell shows takes 16 bytes, however
// many they are. Adding takes O(log n) near the end, where trials come in.
class TrialSet {
 public:
  void Add(int64_t trial) {
    auto next = std::upper_bound(ranges_.begin(), ranges_.end(), trial, StartsAfter);
    const bool joins_next = next != ranges_.end() && next->first == trial + 1;
    if (next != ranges_.begin()) {
      const auto before = next - 1;
      if (trial <= before->last) return;
      if (before->last + 1 == trial) {
        before->last = joins_next ? next->last : trial;
        if (joins_next) ranges_.erase(next);
        return;
      }
    }
    if (joins_next)
      next->first = trial;
    else
      ranges_.insert(next, {.first = trial, .last = trial});
  }

  void AddAll(const TrialSet& other) {
    for (const Range& range : other.ranges_) {
      for (int64_t trial = range.first; trial <= range.last; ++trial) Add(trial);
    }
  }

  bool Contains(int64_t trial) const {
    const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), trial, StartsAfter);
    return next != ranges_.begin() && trial <= (next - 1)->last;
  }

  int64_t size() const {
    int64_t size = 0;
    for (const Range& range : ranges_) size += range.last - range.first + 1;
    return size;
  }

 private:
  struct Range {
    int64_t first, last;
  };
  static bool StartsAfter(int64_t trial, const Range& range) { return trial < range.first; }

  std::vector<Range> ranges_;  // ascending, none touches the next
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_TRIAL_SET_H_
