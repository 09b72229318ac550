#ifndef TRIREME_HARNESS_SCENARIO_RATE_H_
#define TRIREME_HARNESS_SCENARIO_RATE_H_

#include <cstdint>
#include <string>

namespace trireme {

// The least number of trials of which some result would let the exact binomial test reject a
// failing share within low..high: with fewer, the expectation holds whatever happens, so it decides
// nothing.
//
// The result that says most against "at least low" is no failure at all, of probability (1 -
// low)^n; against "at most high" it is nothing but failures, high^n. Each bound that can be broken
// needs that below Expectation::kRateLevel.
int64_t TrialsToDecideRate(double low, double high);

std::string FormatRate(double low, double high);  // "0.02..1"

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_RATE_H_
