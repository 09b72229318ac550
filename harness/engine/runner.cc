#include "harness/engine/runner.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/engine/process_table.h"

namespace trireme {
namespace {

constexpr int64_t kLeastShareOfProcessor = 50;  // one part in so many is work; less is waiting
constexpr int64_t kLooks = 4;                   // in the time that loading may wait
// What loops has hardly ever every moment of the time until we look.
constexpr int64_t kNearly = 10;

// When it is seen what a runner does that has not answered, from its launch on.
int64_t FirstLook(const Runner::LoadPatience& patience) {
  return std::min(patience.idle, patience.longest);
}
int64_t NextLook(const Runner::LoadPatience& patience, int64_t last) {
  return std::min(last + patience.idle / kLooks, patience.longest);
}

// After what came of a runner: what it printed. Reports show the beginning of a long reason, and of a traceback the last
// line says what is wrong, so that comes first.
std::string WithPrinted(const std::string& text, const std::string& printed) {
  if (printed.empty()) return text;
  const size_t last = printed.rfind('\n');
  if (last == std::string::npos) return text + "; it printed: " + printed;
  return text + "; it printed last: " + printed.substr(last + 1) + "; in all: " + printed;
}

// exit() of its own, at the top of a module or in a static initialiser, most often.
std::string EndedWhileLoading(int status, const std::string& printed) {
  return WithPrinted("the workload ended the process (exit status " + std::to_string(status) +
                         ") while it was loaded",
                     printed);
}

}  // namespace

Status Runner::Launch(Guardian& guardian, const LoadPatience& patience) {
  TRIREME_ASSIGN_OR_RETURN(auto ends, Channel::MakePair());
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd output, log.Open());
  TRIREME_ASSIGN_OR_RETURN(token, guardian.Launch({.argv = spec.argv,
                                                   .environment = spec.environment,
                                                   .input = ends.second.fd(),
                                                   .output = output.get()}));
  channel = std::move(ends.first);
  load_patience = patience;
  deadline = SystemClock().Now() + FirstLook(patience);
  // The socket keeps it until the runner has started.
  return channel.Send(spec.load, {output.get()});
}

Runner::Load Runner::LookAtLoading() {
  const int64_t before = loading;
  loading = loading == 0 ? FirstLook(load_patience) : NextLook(load_patience, loading);
  // While the guardian has not come to start it, nothing of its own is late.
  const Activity activity = pid == 0 ? Activity{.runs = true} : ActivityOfTree(pid);
  if (activity.processor >= load_patience.processor - load_patience.processor / kNearly)
    return Load::kHangs;
  const int64_t used = activity.processor - processor;
  if (!activity.runs && used < (loading - before) / kLeastShareOfProcessor) return Load::kHangs;
  processor = activity.processor;
  if (loading >= load_patience.longest) return Load::kTooSlow;
  deadline += NextLook(load_patience, loading) - loading;
  return Load::kGoesOn;
}

std::string Runner::Describe(int status) {
  log.Read();
  if (lost_while_loading || (state == State::kLoading && broken.empty()))
    if (WIFEXITED(status))
      return EndedWhileLoading(WEXITSTATUS(status), ToValidUtf8(Trim(log.text())));
  std::string text = broken;
  if (!text.empty()) text += "; ";
  if (WIFSIGNALED(status))
    text += "the runner was ended by signal " + std::to_string(WTERMSIG(status));
  else
    text += "the runner exited with status " + std::to_string(WEXITSTATUS(status));
  return WithPrinted(text, ToValidUtf8(Trim(log.text())));
}

}  // namespace trireme
