#ifndef TRIREME_HARNESS_ENGINE_SCHEDULE_H_
#define TRIREME_HARNESS_ENGINE_SCHEDULE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "harness/scenario/plan.h"

namespace trireme {

struct Attempt {
  size_t cell = 0;
  int64_t trial = 0;
  bool retry = false;
  bool alone = false;  // no other trial runs beside it
};

// The order in which a plan's trials start: scenario after scenario; within one, the first trial of
// each of its cells, then the second of each, so that cells that are compared run close together in
// time; then what has to be repeated. Unsupported cells have no trials.
class Schedule {
 public:
  explicit Schedule(const Plan& plan);

  // The next attempt, if one may start beside `running` others; it counts as started.
  std::optional<Attempt> Next(int running);
  // Once all others of its scenario have started, and alone.
  void Repeat(size_t cell, int64_t trial);
  // No further attempt of this cell starts.
  void GiveUp(size_t cell);
  // An attempt that Next() gave is over, `alone` as it was.
  void Finished(const Attempt& attempt);

  bool empty();
  // Whether an attempt of one of these cells may still come.
  bool Pending(const std::vector<size_t>& cells) const;

 private:
  struct Group {
    std::vector<size_t> cells;
    size_t round = 0;   // index into the cells' trials
    size_t member = 0;  // index into `cells`
    std::deque<Attempt> repeats;
  };

  const Attempt* Peek();
  bool Advance(Group& group);

  const Plan& plan_;
  std::deque<Group> groups_;
  std::set<size_t> given_up_;
  std::vector<size_t> left_;  // attempts a cell may still have
  std::optional<Attempt> next_;
  bool alone_runs_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SCHEDULE_H_
