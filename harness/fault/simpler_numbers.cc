#include "harness/fault/simpler_numbers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "harness/fault/compile.h"

namespace trireme {
namespace {

void AddSimplerPlans(const FaultPlan& plan, size_t index, Json Fault::*members,
                     std::vector<std::vector<FaultPlan>>& lists) {
  for (const auto& [key, value] : (plan.faults[index].*members).items()) {
    if (!value.is_number_integer()) continue;
    std::vector<FaultPlan> simpler;
    for (const int64_t number : SimplerNumbers(value.get<int64_t>())) {
      FaultPlan changed = plan;
      (changed.faults[index].*members)[key] = static_cast<uint64_t>(number);
      if (CompilePlan(changed, 0).ok()) simpler.push_back(std::move(changed));
    }
    lists.push_back(std::move(simpler));
  }
}

}  // namespace

std::vector<int64_t> SimplerNumbers(int64_t number) {
  if (number <= 0) return {};
  std::vector<int64_t> simpler = {0, 1};
  int64_t power = 1;
  for (; power <= number / 10; power *= 10) simpler.push_back(power * 10);
  const int64_t tenth = std::max<int64_t>(power / 10, 1);
  for (const int64_t unit : {power, tenth}) simpler.push_back(number / unit * unit);
  std::sort(simpler.begin(), simpler.end());
  simpler.erase(std::unique(simpler.begin(), simpler.end()), simpler.end());
  simpler.erase(std::find(simpler.begin(), simpler.end(), number), simpler.end());
  std::erase_if(simpler, [&](int64_t one) { return one > number; });
  return simpler;
}

std::vector<std::vector<FaultPlan>> SimplerPlans(const FaultPlan& plan, size_t index) {
  std::vector<std::vector<FaultPlan>> lists;
  AddSimplerPlans(plan, index, &Fault::at, lists);
  AddSimplerPlans(plan, index, &Fault::members, lists);
  return lists;
}

}  // namespace trireme
