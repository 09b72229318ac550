#ifndef TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_
#define TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_

#include <cstdint>
#include <string>

#include "harness/base/unique_fd.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// Looks at a recording while the processes of its trial write it.
class RecordingWatch {
 public:
  explicit RecordingWatch(std::string path) : path_(std::move(path)) {}

  // Whether the workload has come to the moment of that fault of the plan, where it waits until LetPass(). False where it has
  // none. `fault`: always the same one.
  bool HasCome(uint32_t fault);
  void LetPass();

 private:
  bool Open();
  // False where the recording has no plan, or is sealed.
  bool ReadPlan(trireme_plan* plan);
  void FindMoment(const trireme_plan& plan, uint32_t fault);

  std::string path_;
  UniqueFd fd_;
  uint64_t moment_ = 0;  // offset in the file; 0: not found yet
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_
