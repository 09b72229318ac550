#ifndef TRIREME_HARNESS_CLI_WATCH_SESSION_H_
#define TRIREME_HARNESS_CLI_WATCH_SESSION_H_

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"

namespace trireme {

struct WatchedCommand {
  std::string program;                   // its file
  std::vector<std::string> argv;         // with its name as it was given
  std::vector<std::string> environment;  // KEY=VALUE, replaces or adds to ours
  int64_t limit = 0;                     // nanoseconds, then it is ended; 0: none
};

// How it ended.
struct WatchedEnd {
  int status = 0;            // as a shell gives it: 128 + n for death by signal n
  bool ended_by_us = false;  // at its limit; `status` is then 0 where the signal ended it
  pid_t process = 0;
};

// What is done while it runs.
struct WatchHooks {
  std::function<void(pid_t)> started;  // once
  std::function<void()> look;          // a few times a second
  std::function<void()> asked;         // at each SIGUSR1
};

// A program in the foreground, as if it had been started without us: it has our descriptors, our terminal and the
// signals that we get, but for SIGUSR1. One thread.
class WatchSession {
 public:
  // Blocks the signals that are passed on. REQUIRES: one at a time.
  WatchSession();
  ~WatchSession();
  WatchSession(const WatchSession&) = delete;
  WatchSession& operator=(const WatchSession&) = delete;

  // Runs it to its end. kInfrastructure when it cannot be started.
  Result<WatchedEnd> Run(const WatchedCommand& command, const WatchHooks& hooks);

 private:
  Result<pid_t> Start(const WatchedCommand& command) const;
  bool Await(pid_t child, int64_t until, const std::function<void()>& asked);
  void PassOn(pid_t child, const std::function<void()>& asked);

  sigset_t before_{};
  UniqueFd signals_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCH_SESSION_H_
