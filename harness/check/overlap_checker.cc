#include "harness/check/overlap_checker.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/operations.h"

namespace trireme {
namespace {

// The open operation that ends last, and the one that ends last among the other tasks: by them
// alone the next operation can be judged, since it may overlap with any task but its own.
class LatestEnds {
 public:
  const Operation* OfAnotherTask(uint32_t task) const {
    return first_ != nullptr && first_->task == task ? second_ : first_;
  }

  void Add(const Operation& operation) {
    if (first_ == nullptr || operation.end > first_->end) {
      if (first_ != nullptr && first_->task != operation.task) second_ = first_;
      first_ = &operation;
    } else if (operation.task != first_->task &&
               (second_ == nullptr || operation.end > second_->end)) {
      second_ = &operation;
    }
  }

 private:
  const Operation* first_ = nullptr;
  const Operation* second_ = nullptr;
};

using Pair = std::pair<const Operation*, const Operation*>;

// Every operation that began while one of another task was open, with that one.
std::vector<Pair> Overlaps(std::vector<const Operation*> operations) {
  std::stable_sort(operations.begin(), operations.end(),
                   [](const Operation* a, const Operation* b) { return a->begin < b->begin; });
  std::vector<Pair> pairs;
  LatestEnds latest;
  for (const Operation* operation : operations) {
    const Operation* other = latest.OfAnotherTask(operation->task);
    if (other != nullptr && operation->begin < other->end && other->begin < operation->end) {
      pairs.emplace_back(other, operation);
    }
    latest.Add(*operation);
  }
  return pairs;
}

}  // namespace

std::string_view OverlapChecker::Summary() const {
  return "operations that exclude each other are never open at once";
}

std::vector<CheckArgument> OverlapChecker::Arguments() const {
  return {{.name = "ops", .type = "texts", .required = true, .fallback = nullptr}};
}

CheckResult OverlapChecker::Check(const TrialView& view, const Json& arguments) const {
  const std::vector<std::string> names = TextsOf(GetMember(arguments, "ops"));
  const std::vector<const Operation*> operations = OperationsNamed(view, names);
  const std::string what = "'" + Join(names, "' or '") + "'";
  if (!AnyConcurrent(view, TasksOf(operations)))
    return Unknown("no two concurrent tasks did " + what);
  const std::vector<Pair> pairs = Overlaps(operations);
  if (pairs.empty()) return {};
  const auto& [first, second] = pairs.front();
  std::string message =
      DescribeOperation(view, *first) + " and " + DescribeOperation(view, *second) +
      " were open at once" +
      (pairs.size() > 1 ? ", the first of " + std::to_string(pairs.size()) + " such pairs" : "");
  std::vector<std::string> subject = {first->name, second->name};
  std::sort(subject.begin(), subject.end());
  Finding finding =
      view.MakeFinding("overlap", "overlap", Join(subject, "\n"), std::move(message),
                       {view.ParticipantOf(first->task), view.ParticipantOf(second->task)});
  finding.evidence = {{"pairs", pairs.size()},
                      {"witness", {OperationEvidence(*first), OperationEvidence(*second)}}};
  return Failed(std::move(finding));
}

}  // namespace trireme
