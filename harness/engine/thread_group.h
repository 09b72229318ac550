#ifndef TRIREME_HARNESS_ENGINE_THREAD_GROUP_H_
#define TRIREME_HARNESS_ENGINE_THREAD_GROUP_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "harness/base/result.h"

namespace trireme {

// A control group whose processes together may have a limited number of threads. Groups are below one of the harness, so
// that whoever outlives it can remove what it left: see RemoveThreadGroups().
class ThreadGroup {
 public:
  // `name` is unique among the groups of this process.
  static Result<ThreadGroup> Make(const std::string& name);
  ThreadGroup(ThreadGroup&& other) noexcept;
  ThreadGroup& operator=(ThreadGroup&&) = delete;
  // Removes it, where no process is left in it.
  ~ThreadGroup();

  // With all of its threads; what it starts from then on is in the group, too.
  Status Add(pid_t process) const;
  // Nothing: no limit.
  Status Limit(std::optional<uint64_t> threads) const;

 private:
  explicit ThreadGroup(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// Why this machine allows none; "" when it does.
std::string ThreadGroupProblem();

// Of the groups that the process `harness` made, which is gone: they are limited no more.
void LiftThreadLimits(pid_t harness);

// Removes the groups that the process `harness` made, where nobody is in them.
void RemoveThreadGroups(pid_t harness);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_THREAD_GROUP_H_
