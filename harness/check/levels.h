#ifndef TRIREME_HARNESS_CHECK_LEVELS_H_
#define TRIREME_HARNESS_CHECK_LEVELS_H_

#include <cstdint>
#include <vector>

namespace trireme {

// A quantity that has a level from each of its times on until the next.
struct Level {
  int64_t time = 0;
  double value = 0;
};

// Its level at the end of each of `slices` equal parts of the time from its first to `until`; of fewer parts than that
// has nanoseconds, none. REQUIRES: times that do not decrease.
std::vector<double> LevelsAtEnds(const std::vector<Level>& levels, int64_t until, int slices);

// Whether it grew, and goes on to: more than `limit` at the end, and rising throughout by more than chance explains in
// one of a hundred series, judged by ten slices. One that is filled at once and then stays, or is emptied in the end,
// does not.
bool GrowsBeyond(const std::vector<Level>& levels, int64_t until, double limit);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_LEVELS_H_
