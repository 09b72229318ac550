#include "harness/check/levels.h"

#include <cstddef>

#include "harness/stats/trend.h"

namespace trireme {
namespace {

constexpr int kSlices = 10;
constexpr double kChance = 0.01;

}  // namespace

std::vector<double> LevelsAtEnds(const std::vector<Level>& levels, int64_t until, int slices) {
  std::vector<double> ends;
  if (levels.empty() || slices <= 0 || until < levels.front().time) return ends;
  const int64_t begin = levels.front().time;
  const double length = static_cast<double>(until) - static_cast<double>(begin);
  if (length < slices) return ends;
  size_t at = 0;
  for (int slice = 1; slice <= slices; ++slice) {
    const double end = static_cast<double>(begin) + length * slice / slices;
    while (at + 1 < levels.size() && static_cast<double>(levels[at + 1].time) <= end) ++at;
    ends.push_back(levels[at].value);
  }
  return ends;
}

bool GrowsBeyond(const std::vector<Level>& levels, int64_t until, double limit) {
  const std::vector<double> ends = LevelsAtEnds(levels, until, kSlices);
  return !ends.empty() && ends.back() > limit && RisingTrend(ends) <= kChance;
}

}  // namespace trireme
