#include "harness/stats/trend.h"

#include <algorithm>
#include <cmath>

namespace trireme {
namespace {

// By the number of inversions between them: the probability of an order of `a` equal values and `b` larger ones. The
// last in the order is one of the `a` with a chance of a / (a + b), and then after all the larger ones.
std::vector<double> InversionsOfTwo(size_t a, size_t b) {
  std::vector<std::vector<double>> row(b + 1, {1});
  for (size_t i = 1; i <= a; ++i) {
    for (size_t k = 1; k <= b; ++k) {
      const double all = static_cast<double>(i + k);
      std::vector<double> next(i * k + 1, 0);
      for (size_t u = 0; u < row[k].size(); ++u)
        next[u + k] += row[k][u] * static_cast<double>(i) / all;
      for (size_t u = 0; u < row[k - 1].size(); ++u)
        next[u] += row[k - 1][u] * static_cast<double>(k) / all;
      row[k] = std::move(next);
    }
  }
  return row[b];
}

std::vector<double> SumOf(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> sum(a.size() + b.size() - 1, 0);
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t k = 0; k < b.size(); ++k) sum[i + k] += a[i] * b[k];
  return sum;
}

// Of all orders of the values, which are sorted here: each group of equal ones goes among the smaller ones.
std::vector<double> InversionsOfAll(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::vector<double> probability = {1};
  for (size_t from = 0; from < values.size();) {
    size_t to = from;
    while (to < values.size() && values[to] == values[from]) ++to;
    probability = SumOf(probability, InversionsOfTwo(from, to - from));
    from = to;
  }
  return probability;
}

}  // namespace

int64_t KendallS(const std::vector<double>& series) {
  int64_t s = 0;
  for (size_t i = 0; i < series.size(); ++i)
    for (size_t k = i + 1; k < series.size(); ++k)
      s += (series[k] > series[i] ? 1 : 0) - (series[k] < series[i] ? 1 : 0);
  return s;
}

double RisingTrend(const std::vector<double>& series) {
  const std::vector<double> values(
      series.begin(),
      series.begin() + static_cast<ptrdiff_t>(std::min(series.size(), kLongestTrend)));
  if (values.size() < 2 ||
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
    return 1;
  const std::vector<double> probability = InversionsOfAll(values);
  // S is the number of pairs that are not equal, less two for each inversion: a large S has few.
  const auto pairs = static_cast<int64_t>(probability.size()) - 1;
  const int64_t most = (pairs - KendallS(values)) / 2;
  double p = 0;
  for (int64_t inversions = 0; inversions <= most; ++inversions)
    p += probability[static_cast<size_t>(inversions)];
  return std::min(1.0, p);
}

}  // namespace trireme
