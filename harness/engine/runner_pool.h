#ifndef TRIREME_HARNESS_ENGINE_RUNNER_POOL_H_
#define TRIREME_HARNESS_ENGINE_RUNNER_POOL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/engine/guardian.h"
#include "harness/engine/poller.h"
#include "harness/engine/runner.h"

namespace trireme {

// The runners of a run, at most `limit` that are not about to end, but for those that are in use:
// where there is no room for one more, the idle one that was used longest ago ends.
class RunnerPool {
 public:
  RunnerPool(Poller& poller, size_t limit) : poller_(poller), limit_(limit) {}

  // A runner that does not launch is in the pool all the same, `broken`: the guardian is gone then.
  // `message` is called when its socket is readable.
  Runner& Start(const RunnerSpec& spec, Guardian& guardian, const Runner::LoadPatience& patience,
                const std::function<void(Runner&)>& message);
  // Each may find none.
  Runner* FindIdle(const std::string& key) const;
  Runner* FindByToken(uint64_t token) const;
  Runner* FindByPid(pid_t pid) const;

  // One that loads, runs a trial or is idle.
  bool Has(const std::string& key) const;

  // It gets no more messages; the guardian ends it and will tell of its exit.
  void End(Runner& runner, Guardian& guardian);
  // It is gone. It stays valid until Sweep(): callbacks may be about it.
  void Remove(Runner& runner);
  void RemoveAll();
  void Sweep() { gone_.clear(); }

  // The first time at which one is late with its answer to `load`, or with its end.
  int64_t deadline() const;
  // All deadlines come that much later.
  void Postpone(int64_t nanoseconds);
  std::vector<Runner*> Late(int64_t now) const;
  void Touch(Runner& runner) { runner.last_used = ++uses_; }

 private:
  void MakeRoom(Guardian& guardian);

  Poller& poller_;
  const size_t limit_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<std::unique_ptr<Runner>> gone_;
  uint64_t uses_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_RUNNER_POOL_H_
