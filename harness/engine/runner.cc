#include "harness/engine/runner.h"

#include <sys/wait.h>

#include <utility>

#include "harness/base/clock.h"
#include "harness/base/strings.h"

namespace trireme {

Status Runner::Launch(Guardian& guardian, int64_t patience) {
  TRIREME_ASSIGN_OR_RETURN(auto ends, Channel::MakePair());
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd output, log.Open());
  TRIREME_ASSIGN_OR_RETURN(token, guardian.Launch({.argv = spec.argv,
                                                   .environment = spec.environment,
                                                   .input = ends.second.fd(),
                                                   .output = output.get()}));
  channel = std::move(ends.first);
  deadline = SystemClock().Now() + patience;
  // The socket keeps it until the runner has started.
  return channel.Send(spec.load, {output.get()});
}

std::string Runner::Describe(int status) {
  log.Read();
  std::string text = broken;
  if (!text.empty()) text += "; ";
  if (WIFSIGNALED(status))
    text += "the runner was ended by signal " + std::to_string(WTERMSIG(status));
  else
    text += "the runner exited with status " + std::to_string(WEXITSTATUS(status));
  const std::string printed = ToValidUtf8(Trim(log.text()));
  return printed.empty() ? text : text + "; it printed: " + printed;
}

}  // namespace trireme
