#ifndef TRIREME_HARNESS_STATS_EXACT_H_
#define TRIREME_HARNESS_STATS_EXACT_H_

#include <cstdint>
#include <vector>

namespace trireme {

// Exact tests on counts: no normal approximation, so that twenty trials are judged as rightly as
// ten thousand. All take O(n) in the counts. Counts below zero are taken as zero.

// Two rows of counts: how often something was seen and not seen, here and there.
struct TwoByTwo {
  int64_t seen_here = 0, not_here = 0;
  int64_t seen_there = 0, not_there = 0;
};

// Fisher's exact test, two-sided: the probability, with all sums of the table fixed, of a table
// that is no likelier than this one (the definition of R's fisher.test and of
// scipy.stats.fisher_exact).
double FisherExact(const TwoByTwo& table);

// P(X <= k) and P(X >= k) for n draws that each succeed with probability p.
double BinomialAtMost(int64_t k, int64_t n, double p);
double BinomialAtLeast(int64_t k, int64_t n, double p);

struct Interval {
  double low = 0, high = 1;
};

// Clopper and Pearson's interval for the rate behind k of n: it holds the truth with at least
// `confidence`.
Interval BinomialInterval(int64_t k, int64_t n, double confidence);

// The trials per side after which something seen in `seen` of `n` trials here, and in none there,
// would be told from chance at `alpha` if both went on like this; 0 when no number up to ten
// million would do.
int64_t FisherTrialsNeeded(int64_t seen, int64_t n, double alpha);

// The fewest trials that can reject, at `alpha`, a rate outside [low, high]: with fewer, no outcome
// at all, not even zero of n or n of n, could. 1 when the range is all of 0..1; 0 when no number up
// to ten million would do.
int64_t RateTrialsNeeded(const Interval& range, double alpha);

// Holm's correction for testing a family of hypotheses at `alpha` together: true where
// `p_values[i]` is rejected. The chance of any false rejection is at most `alpha`, whatever depends
// on what.
std::vector<bool> HolmRejects(const std::vector<double>& p_values, double alpha);

// Tarone's choice, for tests on counts: true for those of a family that may be rejected at `alpha`
// once all that are true are corrected for together. `least` holds the least p-value that each
// could come to, whatever the data; the others cannot be rejected and need no correction, so that a
// value that one trial showed costs the rest nothing.
std::vector<bool> TestableTogether(const std::vector<double>& least, double alpha);

}  // namespace trireme

#endif  // TRIREME_HARNESS_STATS_EXACT_H_
