#include "harness/engine/guardian.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "harness/base/clock.h"
#include "harness/engine/guardian_process.h"

namespace trireme {
namespace {

// For a program that changed its user and cannot be killed.
constexpr int64_t kAdoptedPatience = 30 * kNanosecondsPerSecond;

}  // namespace

Result<Guardian> Guardian::Start(const GuardianOptions& options) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return ErrnoError("cannot become a subreaper", errno);
  EarlierChildren earlier;
  TRIREME_ASSIGN_OR_RETURN(auto ends, Channel::MakePair());
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoError("cannot fork the guardian", errno);
  if (pid == 0) {
    ends.first.Close();
    RunGuardian(std::move(ends.second), options);
  }
  return Guardian(pid, std::move(ends.first), std::move(earlier));
}

Guardian::Guardian(Guardian&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      channel_(std::move(other.channel_)),
      earlier_(std::move(other.earlier_)),
      next_token_(other.next_token_) {}

Guardian::~Guardian() { Stop(); }

Result<uint64_t> Guardian::Launch(const LaunchRequest& request) {
  Awaken();
  const uint64_t token = next_token_++;
  std::vector<int> descriptors;
  if (request.input >= 0) descriptors.push_back(request.input);
  if (request.output >= 0) descriptors.push_back(request.output);
  if (request.errors >= 0) descriptors.push_back(request.errors);
  TRIREME_RETURN_IF_ERROR(channel_.Send({{"type", "spawn"},
                                         {"token", token},
                                         {"argv", request.argv},
                                         {"program", request.program},
                                         {"environment", request.environment},
                                         {"directory", request.directory},
                                         {"input", request.input >= 0},
                                         {"output", request.output >= 0},
                                         {"errors", request.errors >= 0}},
                                        descriptors));
  return token;
}

Status Guardian::End(pid_t pid) {
  Awaken();
  return channel_.Send({{"type", "end"}, {"pid", pid}});
}

void Guardian::Awaken() const {
  if (pid_ != 0) ::kill(pid_, SIGCONT);
}

std::optional<GuardianReport> Guardian::Receive() {
  const Result<std::optional<Packet>> received = channel_.Receive();
  if (!received.ok() || !received->has_value()) return std::nullopt;
  const Json& message = (*received)->message;
  const std::string type = GetString(message, "type");
  GuardianReport report;
  report.kind = type == "started"  ? GuardianReport::Kind::kStarted
                : type == "failed" ? GuardianReport::Kind::kFailed
                                   : GuardianReport::Kind::kExited;
  report.token = static_cast<uint64_t>(GetInt(message, "token"));
  report.pid = static_cast<pid_t>(GetInt(message, "pid"));
  report.error = static_cast<int>(GetInt(message, "errno"));
  report.status = static_cast<int>(GetInt(message, "status"));
  report.orphans = GetMember(message, "orphans");
  return report;
}

void Guardian::Stop() {
  if (pid_ == 0) return;
  channel_.Close();
  Awaken();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  // A guardian that ended by itself has ended all that was started. What a killed one set free
  // became ours, as did what others left behind that we did not start.
  if (!WIFEXITED(status)) earlier_.EndOthers(kAdoptedPatience);
}

}  // namespace trireme
