#ifndef TRIREME_HARNESS_ENGINE_LIMIT_FAULT_H_
#define TRIREME_HARNESS_ENGINE_LIMIT_FAULT_H_

#include <memory>
#include <vector>

#include "harness/engine/harness_fault.h"
#include "harness/engine/process_limits.h"
#include "harness/engine/small_disk.h"
#include "harness/fault/resource.h"

namespace trireme {

// One resource of a trial that a fault limits for a while. It lives until the trial's processes are gone.
class ResourceLimit {
 public:
  virtual ~ResourceLimit() = default;
  virtual Status Begin() = 0;
  virtual void End() = 0;
};

// Does a resource fault: all of its limits at its time, recorded once, until its end.
class LimitFault final : public HarnessFault {
 public:
  // `of_processes`: shared by all faults of the trial. `disk`: of the trial, where the fault limits it; must outlive this.
  LimitFault(const ResourceFault& fault, const FaultSubject& subject,
             const std::shared_ptr<ProcessLimits>& of_processes, const SmallDisk* disk,
             RecordFault record);
  ~LimitFault() override { LimitFault::End(); }
  LimitFault(const LimitFault&) = delete;
  LimitFault& operator=(const LimitFault&) = delete;

  int64_t deadline() const override { return deadline_; }
  void OnTime(int64_t now) override;
  void Postpone(int64_t nanoseconds) override;
  void End() override;

 private:
  enum class Step { kDue, kActive, kOver };

  void Record(int64_t time, bool over, const std::vector<std::string>& problems) const;

  const ResourceFault fault_;
  const FaultSubject subject_;
  const RecordFault record_;
  std::vector<std::unique_ptr<ResourceLimit>> limits_;
  Step step_ = Step::kDue;
  int64_t deadline_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_LIMIT_FAULT_H_
