#include "harness/scenario/rate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "harness/scenario/scenario.h"

namespace trireme {
namespace {

constexpr double kMostNeededTrials = 1e15;

// The least n with chance^n below the level; 1 for a bound that every trial decides, 0 for one that
// nothing breaks.
double TrialsUntilRare(double chance) {
  if (chance >= 1) return 0;
  if (chance <= Expectation::kRateLevel) return 1;
  const double until = std::log(Expectation::kRateLevel) / std::log(chance);
  return std::min(std::floor(until) + 1, kMostNeededTrials);
}

}  // namespace

int64_t TrialsToDecideRate(double low, double high) {
  return static_cast<int64_t>(std::max(TrialsUntilRare(1 - low), TrialsUntilRare(high)));
}

std::string FormatRate(double low, double high) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.6g..%.6g", low, high);
  return text.data();
}

}  // namespace trireme
