#ifndef TRIREME_HARNESS_ENGINE_SPINNERS_H_
#define TRIREME_HARNESS_ENGINE_SPINNERS_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace trireme {

// Processes that do nothing but use a processor each. They end with this object, with this process, and by themselves.
class Spinners {
 public:
  // `longest`: nanoseconds after which they end by themselves. Fewer, where the machine has no more processes.
  Spinners(uint64_t count, int64_t longest);
  ~Spinners();
  Spinners(const Spinners&) = delete;
  Spinners& operator=(const Spinners&) = delete;

  const std::vector<pid_t>& processes() const { return processes_; }

 private:
  std::vector<pid_t> processes_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_SPINNERS_H_
