#include "harness/engine/limit_fault.h"

#include <sys/resource.h>

#include <optional>
#include <utility>

#include "harness/base/clock.h"
#include "harness/engine/fault_targets.h"
#include "harness/engine/spinners.h"
#include "harness/engine/thread_group.h"

namespace trireme {
namespace {

// A limit of each process.
class ProcessLimit final : public ResourceLimit {
 public:
  ProcessLimit(__rlimit_resource resource, uint64_t limit, std::shared_ptr<ProcessLimits> limits)
      : resource_(resource), limit_(limit), limits_(std::move(limits)) {}

  Status Begin() override { return limits_->Lower(resource_, limit_); }
  void End() override { limits_->GiveBack(resource_, limit_); }

 private:
  const __rlimit_resource resource_;
  const uint64_t limit_;
  const std::shared_ptr<ProcessLimits> limits_;
};

// A limit of all of them together. They are in its group from the start, so that none escapes it by being born just then.
class ThreadLimit final : public ResourceLimit {
 public:
  ThreadLimit(uint64_t limit, const FaultSubject& subject, const std::string& name)
      : limit_(limit), group_(ThreadGroup::Make(name)) {
    if (!group_.ok()) return;
    for (const pid_t process : ProcessesOf(subject)) (void)group_->Add(process);
  }

  Status Begin() override {
    if (!group_.ok()) return group_.error();
    return group_->Limit(limit_);
  }
  void End() override {
    if (group_.ok()) (void)group_->Limit(std::nullopt);
  }

 private:
  const uint64_t limit_;
  Result<ThreadGroup> group_;
};

class DiskLimit final : public ResourceLimit {
 public:
  DiskLimit(uint64_t limit, const SmallDisk* disk) : limit_(limit), disk_(disk) {}

  Status Begin() override {
    if (disk_ == nullptr) return InfrastructureError("the trial has no disk that can be limited");
    return disk_->Limit(limit_);
  }
  void End() override {
    if (disk_ != nullptr) (void)disk_->Limit(std::nullopt);
  }

 private:
  const uint64_t limit_;
  const SmallDisk* disk_;
};

class ProcessorLoad final : public ResourceLimit {
 public:
  ProcessorLoad(uint64_t count, int64_t longest) : count_(count), longest_(longest) {}

  Status Begin() override {
    spinners_.emplace(count_, longest_);
    if (spinners_->processes().size() == count_) return Done{};
    return InfrastructureError("cannot start as many processes");
  }
  void End() override { spinners_.reset(); }

 private:
  // Should the harness be stopped, the machine must have an end of it all the same.
  const uint64_t count_;
  const int64_t longest_;
  std::optional<Spinners> spinners_;
};

constexpr int64_t kLongestLoad = 3600 * kNanosecondsPerSecond;

using Limits = std::vector<std::unique_ptr<ResourceLimit>>;

Limits LimitsOf(const ResourceFault& fault, const FaultSubject& subject,
                const std::shared_ptr<ProcessLimits>& of_processes, const SmallDisk* disk) {
  Limits limits;
  const auto of_process = [&](__rlimit_resource resource, const std::optional<uint64_t>& limit) {
    if (limit) limits.push_back(std::make_unique<ProcessLimit>(resource, *limit, of_processes));
  };
  of_process(RLIMIT_NOFILE, fault.nofile);
  of_process(RLIMIT_AS, fault.memory);
  of_process(RLIMIT_STACK, fault.stack);
  const std::string group = std::to_string(subject.process);
  if (fault.threads)
    limits.push_back(std::make_unique<ThreadLimit>(*fault.threads, subject, group));
  if (fault.disk) limits.push_back(std::make_unique<DiskLimit>(*fault.disk, disk));
  if (fault.cpu)
    limits.push_back(
        std::make_unique<ProcessorLoad>(*fault.cpu, fault.duration.value_or(kLongestLoad)));
  return limits;
}

Json ActionOfLimit(const ResourceFault& fault) {
  Json action = Json::object();
  const auto add = [&](const char* name, const std::optional<uint64_t>& value) {
    if (value) action[name] = *value;
  };
  add("nofile", fault.nofile);
  add("memory", fault.memory);
  add("stack", fault.stack);
  add("threads", fault.threads);
  add("disk", fault.disk);
  add("cpu", fault.cpu);
  if (fault.duration)
    action["for"] =
        static_cast<double>(*fault.duration) / static_cast<double>(kNanosecondsPerSecond);
  return action;
}

}  // namespace

LimitFault::LimitFault(const ResourceFault& fault, const FaultSubject& subject,
                       const std::shared_ptr<ProcessLimits>& of_processes, const SmallDisk* disk,
                       RecordFault record)
    : fault_(fault),
      subject_(subject),
      record_(std::move(record)),
      limits_(LimitsOf(fault, subject, of_processes, disk)),
      deadline_(subject.begin + fault.after) {}

void LimitFault::OnTime(int64_t now) {
  if (now < deadline_) return;
  if (step_ == Step::kActive) return End();
  deadline_ = kNever;
  // Of a trial that has just ended nothing can be limited: this fault was not reached.
  if (step_ != Step::kDue || ProcessesOf(subject_).empty()) return;
  std::vector<std::string> problems;
  // As of before: what the limit makes fail comes after it.
  const int64_t time = SystemClock().Now();
  for (const std::unique_ptr<ResourceLimit>& limit : limits_)
    if (const Status begun = limit->Begin(); !begun.ok()) problems.push_back(begun.error().message);
  Record(time, /*over=*/false, problems);
  step_ = Step::kActive;
  deadline_ = fault_.duration ? SystemClock().Now() + *fault_.duration : kNever;
}

void LimitFault::Postpone(int64_t nanoseconds) {
  if (deadline_ != kNever) deadline_ += nanoseconds;
}

void LimitFault::End() {
  deadline_ = kNever;
  if (std::exchange(step_, Step::kOver) != Step::kActive) return;
  for (const std::unique_ptr<ResourceLimit>& limit : limits_) limit->End();
  Record(SystemClock().Now(), /*over=*/true, {});
}

void LimitFault::Record(int64_t time, bool over, const std::vector<std::string>& problems) const {
  Json value = {{"do", ActionOfLimit(fault_)}, {"process", subject_.process}};
  if (!problems.empty()) value["failed"] = problems;
  if (over) value["over"] = true;
  record_(time, std::move(value));
}

}  // namespace trireme
