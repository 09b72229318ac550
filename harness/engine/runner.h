#ifndef TRIREME_HARNESS_ENGINE_RUNNER_H_
#define TRIREME_HARNESS_ENGINE_RUNNER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/engine/guardian.h"
#include "harness/engine/pipe_reader.h"
#include "harness/engine/runner_spec.h"
#include "harness/protocol/channel.h"

namespace trireme {

// One runner process, from its launch until the guardian has told that it and all below it are
// gone.
struct Runner {
  enum class State { kLoading, kIdle, kBusy, kEnding };

  explicit Runner(const RunnerSpec& how) : spec(how) {}

  // How long loading may take, in nanoseconds, how long while it uses no processor, and how much of
  // the processor it may use.
  struct LoadPatience {
    int64_t longest = 0;
    int64_t idle = 0;
    int64_t processor = 0;
  };

  // Asks the guardian for the process and gives it `load`, to be answered within `patience`.
  Status Launch(Guardian& guardian, const LoadPatience& patience);
  // What is known of loading at its deadline, after `loading` of it. Where it may go on, the deadline
  // is another.
  enum class Load {
    kGoesOn,
    kHangs,   // it waits, or loops
    kTooSlow  // it took all the time there is and did neither: a machine that is too busy for it, say
  };
  Load LookAtLoading();
  // How it went, for an error: its exit status and the last that it printed.
  std::string Describe(int status);

  const RunnerSpec spec;
  State state = State::kLoading;
  bool lost_while_loading = false;  // its socket was closed before it was ready
  uint64_t token = 0;               // of the launch
  pid_t pid = 0;                    // 0 until the guardian told it
  Channel channel;
  PipeText log{4096};     // what it prints outside trials
  int64_t deadline = 0;   // of loading, or of its end
  int64_t loading = 0;    // how long it may have taken at the last look at what it does
  int64_t processor = 0;  // what it had used then
  LoadPatience load_patience;
  uint64_t last_used = 0;
  Json environment = Json::object();
  std::string broken;  // why it is ended, when that is its own fault
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_RUNNER_H_
