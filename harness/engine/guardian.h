#ifndef TRIREME_HARNESS_ENGINE_GUARDIAN_H_
#define TRIREME_HARNESS_ENGINE_GUARDIAN_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/engine/process_table.h"
#include "harness/protocol/channel.h"

namespace trireme {

// A program that the guardian shall start, in a session of its own.
struct LaunchRequest {
  std::vector<std::string> argv;
  std::string program;  // its path; "": argv[0], which is one then
  std::vector<std::string>
      environment;        // NAME=VALUE replaces or adds to ours; NAME alone removes it
  std::string directory;  // "": ours
  int input = -1;         // becomes descriptor 3; -1: none
  int output = -1;        // becomes standard output and error; -1: /dev/null
  int errors = -1;        // becomes standard error; -1: `output` does
};

// What runners get of the guardian.
struct GuardianOptions {
  rlimit files{};  // the limit on open files
  bool own_mounts =
      false;  // a name space of mounts: what is mounted there is gone with the last of them
};

// What the guardian tells.
struct GuardianReport {
  enum class Kind { kStarted, kFailed, kExited };
  Kind kind{};
  uint64_t token = 0;  // of the launch, for kStarted and kFailed
  pid_t pid = 0;       // kStarted, kExited
  int error = 0;       // errno, for kFailed
  int status = 0;      // as waitpid gives it, for kExited
  Json orphans;        // kExited: [{pid, command}], what it left behind; gone by now
};

// The process that outlives a SIGKILL of the harness, seen from the harness. It starts the runners
// and, once the socket between it and the harness closes for whatever reason, stops and kills
// everything below itself until it has no child left. It is a child subreaper in a session of its
// own, ignores what a terminal sends, and holds no descriptor but that socket. What a dead runner
// leaves behind becomes its child, and is ended too.
//
// It is two processes, one over the other, so that a workload that kills the one it finds as its
// runner's parent sets nothing free; the harness is made a subreaper as well, so that a guardian
// that is killed sets nothing free: see Stop(). The children that the harness had before are not
// its concern. Thread safety: one thread.
class Guardian {
 public:
  // Forks. Call it before anything is open that a guardian must not hold. REQUIRES: this process has
  // one thread.
  static Result<Guardian> Start(const GuardianOptions& options);

  Guardian(Guardian&& other) noexcept;
  Guardian& operator=(Guardian&&) = delete;
  // Stop().
  ~Guardian();

  // Readable when there is a report, or the guardian is gone.
  int fd() const { return channel_.fd(); }
  pid_t pid() const { return pid_; }

  // Answered by kStarted or kFailed with the token returned here. An error when the guardian is
  // gone.
  Result<uint64_t> Launch(const LaunchRequest& request);
  // Ends a started process with all below it; answered by kExited. Twice, or too late, is fine.
  Status End(pid_t pid);
  // Waits for the next report; poll fd() first not to. Nothing when the guardian is gone.
  std::optional<GuardianReport> Receive();

  // Ends everything that was started and the guardian, and waits until all are gone; also cleans up
  // after a guardian that was killed.
  void Stop();

 private:
  Guardian(pid_t pid, Channel channel, EarlierChildren earlier)
      : pid_(pid), channel_(std::move(channel)), earlier_(std::move(earlier)) {}

  // What is under test may have sent it a SIGSTOP.
  void Awaken() const;

  pid_t pid_ = 0;
  Channel channel_;
  EarlierChildren earlier_;
  uint64_t next_token_ = 1;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_GUARDIAN_H_
