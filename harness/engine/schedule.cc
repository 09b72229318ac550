#include "harness/engine/schedule.h"

#include <algorithm>

namespace trireme {

Schedule::Schedule(const Plan& plan) : plan_(plan), left_(plan.cells.size()) {
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& cell = plan.cells[i];
    if (!cell.unsupported.empty()) continue;
    left_[i] = cell.trials.size();
    const bool joins =
        !groups_.empty() && plan.cells[groups_.back().cells.front()].scenario == cell.scenario;
    if (!joins) groups_.emplace_back();
    groups_.back().cells.push_back(i);
  }
}

// Moves to the group's next trial that exists; false when only repeats are left.
bool Schedule::Advance(Group& group) {
  bool any = true;
  while (any) {
    for (; group.member < group.cells.size(); ++group.member) {
      const size_t cell = group.cells[group.member];
      if (!given_up_.contains(cell) && group.round < plan_.cells[cell].trials.size()) return true;
    }
    group.member = 0;
    ++group.round;
    any = std::any_of(group.cells.begin(), group.cells.end(), [&](size_t cell) {
      return !given_up_.contains(cell) && group.round < plan_.cells[cell].trials.size();
    });
  }
  return false;
}

const Attempt* Schedule::Peek() {
  while (!next_ && !groups_.empty()) {
    Group& group = groups_.front();
    if (Advance(group)) {
      const size_t cell = group.cells[group.member++];
      next_ = Attempt{.cell = cell,
                      .trial = plan_.cells[cell].trials[group.round],
                      .alone = plan_.cells[cell].exclusive};
    } else if (!group.repeats.empty()) {
      next_ = group.repeats.front();
      group.repeats.pop_front();
    } else {
      groups_.pop_front();
    }
  }
  return next_ ? &*next_ : nullptr;
}

std::optional<Attempt> Schedule::Next(int running) {
  const Attempt* next = Peek();
  if (next == nullptr || alone_runs_ || (next->alone && running > 0)) return std::nullopt;
  const Attempt attempt = *next;
  alone_runs_ = attempt.alone;
  next_.reset();
  --left_[attempt.cell];
  return attempt;
}

void Schedule::Repeat(size_t cell, int64_t trial) {
  if (given_up_.contains(cell)) return;
  const auto of_scenario = [&](const Group& group) {
    return plan_.cells[group.cells.front()].scenario == plan_.cells[cell].scenario;
  };
  auto group = std::find_if(groups_.begin(), groups_.end(), of_scenario);
  if (group == groups_.end()) {
    groups_.emplace_front();
    groups_.front().cells.push_back(cell);
    groups_.front().round = plan_.cells[cell].trials.size();
    group = groups_.begin();
  }
  group->repeats.push_back({.cell = cell, .trial = trial, .retry = true, .alone = true});
  ++left_[cell];
}

void Schedule::GiveUp(size_t cell) {
  given_up_.insert(cell);
  left_[cell] = 0;
  if (next_ && next_->cell == cell) next_.reset();
  for (Group& group : groups_)
    std::erase_if(group.repeats, [&](const Attempt& attempt) { return attempt.cell == cell; });
}

void Schedule::Finished(const Attempt& attempt) {
  if (attempt.alone) alone_runs_ = false;
}

bool Schedule::empty() { return Peek() == nullptr; }

bool Schedule::Pending(const std::vector<size_t>& cells) const {
  return std::any_of(cells.begin(), cells.end(), [&](size_t cell) { return left_[cell] > 0; });
}

}  // namespace trireme
