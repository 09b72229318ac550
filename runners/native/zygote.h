#ifndef TRIREME_RUNNERS_NATIVE_ZYGOTE_H_
#define TRIREME_RUNNERS_NATIVE_ZYGOTE_H_

#include <functional>
#include <memory>
#include <string>

#include "harness/base/json.h"
#include "harness/base/unique_fd.h"

namespace trireme {

// Why a runner cannot load what it was told to; PROTOCOL.md, `refused`.
struct Refusal {
  std::string reason;
  std::string message;
};

// What a trial message asks for.
struct TrialRequest {
  Json message;
  UniqueFd out;
  UniqueFd err;
  UniqueFd stacks;
};

// What a zygote runs: loaded once, then run in a fork for each trial.
class Payload {
 public:
  virtual ~Payload() = default;
  virtual Json Environment() const = 0;
  // In the trial's own process, which is set up: descriptors, folder, session, limits, recording.
  // That ends when this returns, whatever still runs in it. Calls `before_main` once its runtime is ready, just before the
  // first statement of the workload.
  virtual void Run(const Json& trial, const std::function<void()>& before_main) = 0;
};

struct Loaded {
  std::unique_ptr<Payload> payload;  // null: refused
  Refusal refusal = {};
};

// A compiled workload on a runtime of C++; a program on whatever its environment makes of it.
Loaded LoadWorkload(const Json& load);
Loaded LoadCommand(const Json& load);

// Speaks PROTOCOL.md on `control` until it closes. Gives the exit status of this process.
int RunZygote(UniqueFd control);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_ZYGOTE_H_
