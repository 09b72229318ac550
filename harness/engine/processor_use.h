#ifndef TRIREME_HARNESS_ENGINE_PROCESSOR_USE_H_
#define TRIREME_HARNESS_ENGINE_PROCESSOR_USE_H_

#include <sys/types.h>

#include <cstdint>

namespace trireme {

// Whether the processes of a trial need a processor, looked at now and then. What else the machine does makes no difference: who
// would compute, and gets no processor for long, gets some of it still.
class ProcessorUse {
 public:
  // True where the process and those below it, also those reaped since, have used less than a 50th of the time since the last
  // look, which was of the same process. `now`: CLOCK_MONOTONIC.
  bool HardlyAny(pid_t root, int64_t now);

 private:
  int64_t time_ = 0;
  int64_t used_ = -1;  // nanoseconds, by then; -1: not looked at yet, or it could not be seen
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PROCESSOR_USE_H_
