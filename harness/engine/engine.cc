#include "harness/engine/engine.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "harness/base/unique_fd.h"
#include "harness/engine/control_pipes.h"
#include "harness/engine/guardian.h"
#include "harness/engine/supervisor.h"
#include "harness/engine/trial_faults.h"

namespace trireme {
namespace {

constexpr int kInterrupts[] = {SIGINT, SIGTERM, SIGHUP};

// What a run changes about its process, and puts back: signals, the limit on open files, who adopts
// orphans.
class ProcessSettings {
 public:
  ProcessSettings() {
    ::sigemptyset(&interrupts_);
    for (const int signal : kInterrupts) ::sigaddset(&interrupts_, signal);
    ::sigprocmask(SIG_BLOCK, &interrupts_, &mask_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;  // NOLINT: POSIX makes it the member of a union
    ::sigaction(SIGPIPE, &ignore, &pipe_);
    // Whoever started us may ignore it, and then nobody's end could be awaited.
    struct sigaction normal {};
    normal.sa_handler = SIG_DFL;  // NOLINT: POSIX makes it the member of a union
    ::sigaction(SIGCHLD, &normal, &child_);
    ::getrlimit(RLIMIT_NOFILE, &files_);
    rlimit raised = files_;
    raised.rlim_cur = raised.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &raised);
    ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper_);
    signals_ = UniqueFd(::signalfd(-1, &interrupts_, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  ~ProcessSettings() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) > 0) {
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, subreaper_);
    ::setrlimit(RLIMIT_NOFILE, &files_);
    ::sigaction(SIGCHLD, &child_, nullptr);
    ::sigaction(SIGPIPE, &pipe_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }

  ProcessSettings(const ProcessSettings&) = delete;
  ProcessSettings& operator=(const ProcessSettings&) = delete;

  int signals() const { return signals_.get(); }
  const rlimit& files() const { return files_; }

 private:
  sigset_t interrupts_{};
  sigset_t mask_{};
  struct sigaction pipe_ {};
  struct sigaction child_ {};
  rlimit files_{};
  int subreaper_ = 0;
  UniqueFd signals_;
};

}  // namespace

bool KeepsFolder(std::string_view keep, Judgement judgement) {
  return keep == "all" || (keep == "failed" && judgement != Judgement::kPass);
}

Result<EngineOutcome> RunPlan(const Plan& plan, const EngineOptions& options,
                              const EngineEvents& events) {
  const ProcessSettings settings;
  TRIREME_ASSIGN_OR_RETURN(
      Guardian guardian,
      Guardian::Start({.files = settings.files(), .own_mounts = NeedsOwnMounts(plan)}));
  Supervisor supervisor(plan, options, events, std::move(guardian), settings.files());
  EngineOutcome outcome = supervisor.Run(settings.signals());
  RemoveControlPipesOfTheDead();
  return outcome;
}

bool InterruptIsPending() {
  sigset_t pending{};
  if (::sigpending(&pending) != 0) return false;
  return std::any_of(std::begin(kInterrupts), std::end(kInterrupts),
                     [&](int signal) { return ::sigismember(&pending, signal) == 1; });
}

}  // namespace trireme
