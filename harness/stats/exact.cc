#include "harness/stats/exact.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>
#include <numeric>

namespace trireme {
namespace {

constexpr int64_t kMostTrials = 10'000'000;
// Tables that are equally likely differ in their last bits: R and scipy allow for as much.
constexpr double kTies = 1 + 1e-7;

double LogFactorial(int64_t n) {
  int sign = 0;
  return lgamma_r(static_cast<double>(n) + 1, &sign);
}

double LogChoose(int64_t n, int64_t k) {
  return LogFactorial(n) - LogFactorial(k) - LogFactorial(n - k);
}

double BinomialProbability(int64_t k, int64_t n, double p) {
  if (p <= 0) return k == 0 ? 1 : 0;
  if (p >= 1) return k == n ? 1 : 0;
  return std::exp(LogChoose(n, k) + static_cast<double>(k) * std::log(p) +
                  static_cast<double>(n - k) * std::log1p(-p));
}

// The p in [0, 1] at which `rising`, a function that grows with p, reaches `target`.
template <typename Function>
double Solve(const Function& rising, double target) {
  double low = 0;
  double high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (rising(middle) < target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double FisherExact(const TwoByTwo& table) {
  const int64_t a = std::max<int64_t>(0, table.seen_here);
  const int64_t c = std::max<int64_t>(0, table.seen_there);
  const int64_t here = a + std::max<int64_t>(0, table.not_here);
  const int64_t there = c + std::max<int64_t>(0, table.not_there);
  const int64_t seen = a + c;
  const double all = LogChoose(here + there, seen);
  const auto probability = [&](int64_t x) {
    return std::exp(LogChoose(here, x) + LogChoose(there, seen - x) - all);
  };
  const double limit = probability(a) * kTies;
  double p = 0;
  for (int64_t x = std::max<int64_t>(0, seen - there); x <= std::min(here, seen); ++x) {
    if (const double likely = probability(x); likely <= limit) p += likely;
  }
  return std::min(1.0, p);
}

double BinomialAtMost(int64_t k, int64_t n, double p) {
  if (k >= n) return 1;
  double sum = 0;
  for (int64_t x = 0; x <= k; ++x) sum += BinomialProbability(x, n, p);
  return std::min(1.0, sum);
}

double BinomialAtLeast(int64_t k, int64_t n, double p) {
  return k <= 0 ? 1 : BinomialAtMost(n - k, n, 1 - p);
}

Interval BinomialInterval(int64_t k, int64_t n, double confidence) {
  if (n <= 0) return {};
  const double tail = (1 - confidence) / 2;
  Interval interval;
  if (k > 0) interval.low = Solve([&](double p) { return BinomialAtLeast(k, n, p); }, tail);
  if (k < n) interval.high = Solve([&](double p) { return 1 - BinomialAtMost(k, n, p); }, 1 - tail);
  return interval;
}

int64_t FisherTrialsNeeded(int64_t seen, int64_t n, double alpha) {
  if (seen <= 0 || n <= 0) return 0;
  // All tables of a size share their zero, so the p-value falls as the number grows: double, then
  // halve.
  const auto rejects = [&](int64_t trials) {
    const int64_t scaled = static_cast<int64_t>(
        static_cast<double>(seen) / static_cast<double>(n) * static_cast<double>(trials) + 0.5);
    // Nothing there: only one end of the distribution and, by symmetry, its mirror count.
    return 2 * std::exp(LogChoose(trials, scaled) - LogChoose(2 * trials, scaled)) < alpha;
  };
  int64_t high = 1;
  while (!rejects(high)) {
    if (high > kMostTrials) return 0;
    high *= 2;
  }
  int64_t low = high / 2;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (rejects(middle) ? high : low) = middle;
  }
  return high;
}

int64_t RateTrialsNeeded(const Interval& range, double alpha) {
  int64_t needed = 1;
  const auto until = [&](double base) {  // base^n < alpha
    if (base <= 0) return;
    if (base >= 1) {
      needed = kMostTrials + 1;
      return;
    }
    const double exact = std::log(alpha) / std::log(base);
    if (exact > static_cast<double>(kMostTrials))
      needed = kMostTrials + 1;
    else
      needed = std::max(needed, static_cast<int64_t>(exact) + 1);
  };
  if (range.low > 0) until(1 - range.low);
  if (range.high < 1) until(range.high);
  return needed > kMostTrials ? 0 : needed;
}

std::vector<bool> HolmRejects(const std::vector<double>& p_values, double alpha) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<bool> rejected(p_values.size(), false);
  for (size_t rank = 0; rank < order.size(); ++rank) {
    if (p_values[order[rank]] > alpha / static_cast<double>(order.size() - rank)) break;
    rejected[order[rank]] = true;
  }
  return rejected;
}

std::vector<bool> TestableTogether(const std::vector<double>& least, double alpha) {
  std::vector<double> ascending = least;
  std::sort(ascending.begin(), ascending.end());
  // The smallest correction that covers every test which could pass it.
  size_t correction = 1;
  const auto could_pass = [&] {
    const double level = alpha / static_cast<double>(correction);
    return static_cast<size_t>(std::upper_bound(ascending.begin(), ascending.end(), level) -
                               ascending.begin());
  };
  while (could_pass() > correction) ++correction;
  std::vector<bool> testable;
  testable.reserve(least.size());
  for (const double p : least) testable.push_back(p <= alpha / static_cast<double>(correction));
  return testable;
}

}  // namespace trireme
