#include "harness/stats/quantiles.h"

#include <algorithm>
#include <cmath>

namespace trireme {
namespace {

constexpr double kSmallest = 1e-12;
constexpr double kGrowth = 1.02;

// 0 for zero, n for the n-th bucket above kSmallest, -n for its mirror image.
int64_t BucketOf(double value) {
  const double size = std::abs(value);
  if (size < kSmallest) return 0;
  const auto number = static_cast<int64_t>(std::log(size / kSmallest) / std::log(kGrowth)) + 1;
  return value < 0 ? -number : number;
}

// The middle of a bucket.
double ValueOf(int64_t bucket) {
  if (bucket == 0) return 0;
  const double size = kSmallest * std::pow(kGrowth, static_cast<double>(std::abs(bucket)) - 0.5);
  return bucket < 0 ? -size : size;
}

}  // namespace

void Quantiles::Add(double value) {
  if (!std::isfinite(value)) return;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  ++count_;
  if (!buckets_.empty()) {
    ++buckets_[BucketOf(value)];
    return;
  }
  exact_.push_back(value);
  if (exact_.size() > kExact) Spill();
}

void Quantiles::Spill() {
  for (const double value : exact_) ++buckets_[BucketOf(value)];
  exact_ = {};
}

double Quantiles::At(double q) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<int64_t>(std::ceil(q * static_cast<double>(count_)));
  const int64_t rank = std::clamp<int64_t>(wanted, 1, count_);
  if (buckets_.empty()) {
    std::vector<double> sorted = exact_;
    std::nth_element(sorted.begin(), sorted.begin() + (rank - 1), sorted.end());
    return sorted[static_cast<size_t>(rank - 1)];
  }
  int64_t passed = 0;
  for (const auto& [bucket, count] : buckets_) {
    passed += count;
    if (passed >= rank) return std::clamp(ValueOf(bucket), min_, max_);
  }
  return max_;
}

}  // namespace trireme
