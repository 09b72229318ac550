#ifndef TRIREME_HARNESS_STATS_TREND_H_
#define TRIREME_HARNESS_STATS_TREND_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trireme {

// Of a longer series only its first so many values are looked at: the test takes O(n^4) for many equal ones.
inline constexpr size_t kLongestTrend = 50;

// How many pairs of a series rise, less how many fall: S of Mann and Kendall.
int64_t KendallS(const std::vector<double>& series);

// Mann's test against a trend (H. B. Mann, Nonparametric tests against trend, Econometrica 13, 1945), one-sided and
// exact: the probability of a KendallS() as large as this one, were all orders of these values, of which some may be
// equal, as likely. That is the distribution of the inversions of a multiset's permutations: group by group, that of
// Mann and Whitney's U (On a test of whether one of two random variables is stochastically larger than the other, Annals
// of Mathematical Statistics 18, 1947). 1 for fewer than two values, and where one is no number.
double RisingTrend(const std::vector<double>& series);

}  // namespace trireme

#endif  // TRIREME_HARNESS_STATS_TREND_H_
