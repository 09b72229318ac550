#include "harness/engine/schedule.h"

#include <algorithm>

namespace trireme {
namespace {

// Trials that a cell may have started more than another: to start a runner takes as long as some
// ten short ones.
constexpr size_t kMostAhead = 8;

}  // namespace

Schedule::Schedule(const Plan& plan) : plan_(plan), left_(plan.cells.size()) {
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& cell = plan.cells[i];
    orders_.emplace_back(cell);
    if (!cell.unsupported.empty()) continue;
    left_[i] = cell.trials.size();
    const bool joins =
        !groups_.empty() && plan.cells[groups_.back().cells.front()].scenario == cell.scenario;
    if (!joins) groups_.emplace_back();
    groups_.back().cells.push_back(i);
    groups_.back().started.push_back(0);
  }
}

bool Schedule::HasTrial(size_t cell) const {
  return !given_up_.contains(cell) && !orders_[cell].empty();
}

bool Schedule::Over(const Group& group) const {
  return group.repeats.empty() &&
         std::none_of(group.cells.begin(), group.cells.end(),
                      [this](size_t cell) { return HasTrial(cell); });
}

// The members that have a trial left, in the order of their turns.
std::vector<size_t> Schedule::InTurns(const Group& group) const {
  std::vector<size_t> members;
  for (size_t member = 0; member < group.cells.size(); ++member)
    if (HasTrial(group.cells[member])) members.push_back(member);
  std::stable_sort(members.begin(), members.end(), [&](size_t one, size_t other) {
    return group.started[one] < group.started[other];
  });
  return members;
}

// None: only repeats are left.
std::optional<size_t> Schedule::Choose(const Group& group, const Ready& ready) const {
  const std::vector<size_t> members = InTurns(group);
  if (members.empty()) return std::nullopt;
  const size_t furthest = group.started[members.front()] + kMostAhead;
  for (const size_t member : members)
    if (group.started[member] <= furthest && ready(group.cells[member])) return member;
  return members.front();
}

std::optional<Attempt> Schedule::Next(int running, const Ready& ready, const Admits& admits) {
  if (alone_runs_ || empty()) return std::nullopt;
  Group& group = groups_.front();
  const std::optional<size_t> member = Choose(group, ready);
  Attempt attempt;
  if (member) {
    const PlannedCell& cell = plan_.cells[group.cells[*member]];
    attempt = {.cell = group.cells[*member],
               .trial = orders_[group.cells[*member]].Next(),
               .alone = cell.exclusive};
  } else {
    attempt = group.repeats.front();
  }
  if (attempt.alone && running > 0) return std::nullopt;
  if (admits && !admits(attempt.cell)) return std::nullopt;
  if (member) {
    ++group.started[*member];
    orders_[attempt.cell].Start(attempt.trial);
  } else {
    group.repeats.pop_front();
  }
  alone_runs_ = attempt.alone;
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
    groups_.front().started.push_back(plan_.cells[cell].trials.size());
    group = groups_.begin();
  }
  group->repeats.push_back({.cell = cell, .trial = trial, .retry = true, .alone = true});
  ++left_[cell];
}

void Schedule::GiveUp(size_t cell) {
  given_up_.insert(cell);
  left_[cell] = 0;
  for (Group& group : groups_)
    std::erase_if(group.repeats, [&](const Attempt& attempt) { return attempt.cell == cell; });
}

void Schedule::Finished(const Attempt& attempt) {
  if (attempt.alone) alone_runs_ = false;
}

void Schedule::Took(const Attempt& attempt, double seconds) {
  orders_[attempt.cell].Ended(attempt.trial, seconds);
}

bool Schedule::empty() {
  while (!groups_.empty() && Over(groups_.front())) groups_.pop_front();
  return groups_.empty();
}

bool Schedule::Pending(const std::vector<size_t>& cells) const {
  return std::any_of(cells.begin(), cells.end(), [&](size_t cell) { return left_[cell] > 0; });
}

}  // namespace trireme
