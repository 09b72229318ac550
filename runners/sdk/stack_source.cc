#include "runners/sdk/stack_source.h"

#include <array>
#include <cstdio>

#include "runners/sdk/place.h"
#include "runners/sdk/point.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/registry.h"

namespace trireme {
namespace {

// Appends to memory of a given size, and keeps to it: no allocation, which a fault of the plan may refuse.
class Members {
 public:
  Members(char* place, uint64_t size) : place_(place), left_(size) {}

  // `,"name":["workload.cc:12 in Read"]`: all of it or nothing.
  void Add(const char* name, const TaskState& task) {
    const internal::Place called = task.place.Get();
    if (task.calls.load(std::memory_order_relaxed) == 0 || !IsKnown(called)) return;
    std::array<char, kPlaceText> text;
    const size_t size = WritePlace(called, text.data(), text.size());
    const char* comma = written_ == 0 ? "" : ",";
    const int added =
        std::snprintf(place_, left_, "%s\"%s\":[\"%.*s\"]", comma, name, static_cast<int>(size), text.data());
    if (added <= 0 || static_cast<uint64_t>(added) >= left_) return;
    place_ += added;
    left_ -= static_cast<uint64_t>(added);
    written_ += static_cast<uint64_t>(added);
  }
  uint64_t written() const { return written_; }

 private:
  char* place_;
  uint64_t left_;
  uint64_t written_ = 0;
};

uint64_t TellStacks(uint32_t other_task, char* place, uint64_t size) {
  Members members(place, size);
  if (const TaskState* own = CurrentTaskOrNull(); own != nullptr) members.Add("stack", *own);
  // One of another process is none of ours; and in a forked child a thread that is not there may hold the registry.
  if (other_task == 0) return members.written();
  if (const auto other = TaskRegistry::Get().Find(other_task); other != nullptr)
    members.Add("other_stack", *other);
  return members.written();
}

}  // namespace

void InstallStackSource() { Probe().set_stack_source(TellStacks); }

}  // namespace trireme
