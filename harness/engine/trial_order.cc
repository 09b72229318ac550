#include "harness/engine/trial_order.h"

#include <algorithm>
#include <tuple>

#include "harness/base/json.h"

namespace trireme {
namespace {

// As long as some ten trials that compute.
constexpr double kLong = 0.1;  // seconds

std::string KindOfPoint(const PlannedCell& cell, int64_t trial) {
  if (!cell.sweep.is_array() || trial < 1 || static_cast<size_t>(trial) > cell.sweep.size())
    return "";
  const Json& point = cell.sweep[static_cast<size_t>(trial - 1)];
  return GetString(point, "fault") + '\n' + GetString(point, "call") + '\n' +
         GetString(point, "kind");
}

}  // namespace

TrialOrder::TrialOrder(const PlannedCell& cell) : left_(cell.trials.size()) {
  for (const int64_t trial : cell.trials) {
    Kind& kind = kinds_[KindOfPoint(cell, trial)];
    kind.left.push_back(trial);
    kind_of_[trial] = &kind;
  }
}

const TrialOrder::Kind& TrialOrder::NextKind() const {
  const auto rank = [](const Kind& kind) {
    const double mean = kind.Mean() < kLong ? 0 : kind.Mean();
    return std::tuple(kind.left.empty(), kind.tried, -mean,
                      kind.left.empty() ? 0 : kind.left.front());
  };
  return std::min_element(kinds_.begin(), kinds_.end(), [&](const auto& one, const auto& other) {
           return rank(one.second) < rank(other.second);
         })->second;
}

int64_t TrialOrder::Next() const { return NextKind().left.front(); }

void TrialOrder::Start(int64_t trial) {
  Kind& kind = *kind_of_.at(trial);
  kind.left.pop_front();
  kind.tried = true;
  --left_;
}

void TrialOrder::Ended(int64_t trial, double seconds) {
  Kind& kind = *kind_of_.at(trial);
  kind.seconds += seconds;
  ++kind.ended;
}

}  // namespace trireme
