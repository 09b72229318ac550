#ifndef TRIREME_RUNNERS_SDK_REGISTRY_H_
#define TRIREME_RUNNERS_SDK_REGISTRY_H_

#include <sys/types.h>

#include <list>
#include <map>
#include <memory>
#include <vector>

#include "harness/base/mutex.h"
#include "runners/sdk/task_state.h"

namespace trireme {

// The tasks of this process's trial. Thread safety: any threads.
class TaskRegistry {
 public:
  static TaskRegistry& Get();

  void Begin(uint64_t inputs);
  uint64_t inputs() const { return inputs_; }
  // Which one it began in: a workload may fork.
  pid_t process() const { return process_; }

  void Add(const std::shared_ptr<TaskState>& task) TRIREME_EXCLUDES(mutex_);
  // It has ended; one that raised is kept until it is known whether somebody joined it.
  void End(const std::shared_ptr<TaskState>& task) TRIREME_EXCLUDES(mutex_);
  std::vector<std::shared_ptr<TaskState>> Live() TRIREME_EXCLUDES(mutex_);
  bool Empty() TRIREME_EXCLUDES(mutex_);
  // Null when it has ended, or never was.
  std::shared_ptr<TaskState> Find(uint32_t number) TRIREME_EXCLUDES(mutex_);
  // Those that raised what nobody took.
  std::vector<std::shared_ptr<TaskState>> Unjoined() TRIREME_EXCLUDES(mutex_);
  // One line a task that has not ended, or a line that says why not. For signal handlers.
  void Write(int fd);

 private:
  Mutex mutex_;
  std::map<uint32_t, std::shared_ptr<TaskState>> live_ TRIREME_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<TaskState>> raised_ TRIREME_GUARDED_BY(mutex_);
  uint64_t inputs_ = 0;
  pid_t process_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_REGISTRY_H_
