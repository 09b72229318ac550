#ifndef TRIREME_HARNESS_ENGINE_SCHEDULE_H_
#define TRIREME_HARNESS_ENGINE_SCHEDULE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "harness/engine/trial_order.h"
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
// time; then what has to be repeated. Which is a cell's first trial and which its second, see TrialOrder. Unsupported cells have
// no trials.
//
// A cell that would have to wait for a runner, or for the start of one more, lets others pass that
// need not, as long as they are not far ahead of it.
class Schedule {
 public:
  using Ready = std::function<bool(size_t cell)>;
  using Admits = std::function<bool(size_t cell)>;

  explicit Schedule(const Plan& plan);

  // The next attempt, if one may start beside `running` others and `admits` takes its cell; it counts as started. None
  // passes one that is not admitted: cells that are compared would run far apart.
  std::optional<Attempt> Next(int running, const Ready& ready, const Admits& admits = nullptr);
  // Once all others of its scenario have started, and alone.
  void Repeat(size_t cell, int64_t trial);
  // No further attempt of this cell starts.
  void GiveUp(size_t cell);
  // An attempt that Next() gave is over, `alone` as it was.
  void Finished(const Attempt& attempt);
  // And took so long: for the order of those that are left.
  void Took(const Attempt& attempt, double seconds);

  bool empty();
  // Whether an attempt of one of these cells may still come.
  bool Pending(const std::vector<size_t>& cells) const;

 private:
  struct Group {
    std::vector<size_t> cells;
    std::vector<size_t> started;  // trials of each of them
    std::deque<Attempt> repeats;
  };

  bool HasTrial(size_t cell) const;
  bool Over(const Group& group) const;
  std::vector<size_t> InTurns(const Group& group) const;
  std::optional<size_t> Choose(const Group& group, const Ready& ready) const;

  const Plan& plan_;
  std::vector<TrialOrder> orders_;  // of each cell of the plan
  std::deque<Group> groups_;
  std::set<size_t> given_up_;
  std::vector<size_t> left_;  // attempts a cell may still have
  bool alone_runs_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SCHEDULE_H_
