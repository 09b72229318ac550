#ifndef TRIREME_HARNESS_STATS_QUANTILES_H_
#define TRIREME_HARNESS_STATS_QUANTILES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace trireme {

// Quantiles of a stream of numbers in bounded memory: exact up to kExact samples, after that within
// 1 % of the value (buckets whose bounds grow by 2 %). Count, least and greatest are always exact.
//
// Values of less than 1e-12 in size count as zero. What is not finite is ignored.
class Quantiles {
 public:
  static constexpr size_t kExact = 4096;

  void Add(double value);

  int64_t count() const { return count_; }
  double min() const { return min_; }
  double max() const { return max_; }
  // The smallest sample that at least q of all do not exceed (nearest rank); 0 without samples.
  double At(double q) const;

 private:
  void Spill();

  int64_t count_ = 0;
  double min_ = 0, max_ = 0;
  std::vector<double> exact_;           // until there are more than kExact
  std::map<int64_t, int64_t> buckets_;  // signed bucket number to count
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_STATS_QUANTILES_H_
