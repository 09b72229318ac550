#include "runners/native/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "runners/sdk/probe.h"

namespace trireme {
namespace {

constexpr size_t kMost = 16 * 1024;  // bytes of one read
constexpr int kLookMilliseconds = 20;

void WriteThrough(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Where the kernel cannot tell of its end: PID namespaces of old, a filter of system calls.
bool HasEnded(pid_t child) {
  siginfo_t status{};
  return ::waitid(P_PID, static_cast<id_t>(child), &status, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         status.si_pid == child;
}

}  // namespace

CommandOutput::CommandOutput(const Json& patterns) {
  if (!patterns.is_array()) return;
  for (const Json& text : patterns) {
    if (!text.is_string()) continue;
    Result<LinePattern> pattern = LinePattern::Parse(text.get<std::string>());
    if (pattern.ok()) patterns_.push_back(*std::move(pattern));
  }
}

int CommandOutput::Open() {
  if (patterns_.empty()) return 0;
  for (size_t i = 0; i < streams_.size(); ++i) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
    streams_[i].read.Reset(ends[0]);
    streams_[i].write.Reset(ends[1]);
    streams_[i].target = i == 0 ? STDOUT_FILENO : STDERR_FILENO;
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return errno;
  }
  return 0;
}

void CommandOutput::TakeOver() const {
  for (const Stream& stream : streams_)
    if (stream.write.valid()) ::dup2(stream.write.get(), stream.target);
}

void CommandOutput::PassOn(pid_t child) {
  if (patterns_.empty()) return;
  for (Stream& stream : streams_) stream.write.Reset();
  ForwardUntilItEnds(child);
  // What is there now is the program's; one that it left behind may write for ever.
  for (Stream& stream : streams_) {
    int left = 0;
    if (::ioctl(stream.read.get(), FIONREAD, &left) != 0) left = 0;
    const uint64_t end = stream.passed + static_cast<uint64_t>(left);
    while (stream.passed < end && Forward(stream, end - stream.passed)) continue;
    if (stream.size != 0) EndLine(stream);
  }
}

void CommandOutput::ForwardUntilItEnds(pid_t child) {
  const UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  std::array<pollfd, 3> watched{};
  for (size_t i = 0; i < streams_.size(); ++i)
    watched[i] = {.fd = streams_[i].read.get(), .events = POLLIN, .revents = 0};
  watched[2] = {.fd = ended.get(), .events = POLLIN, .revents = 0};
  while ((watched[2].revents & POLLIN) == 0) {
    if (::poll(watched.data(), watched.size(), ended.valid() ? -1 : kLookMilliseconds) < 0)
      continue;
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (watched[i].revents == 0) continue;
      Forward(streams_[i], kMost);
      if ((watched[i].revents & POLLIN) == 0) watched[i].fd = -1;  // nobody writes there any more
    }
    if (!ended.valid() && HasEnded(child)) return;
  }
}

bool CommandOutput::Forward(Stream& stream, size_t most) {
  std::array<char, kMost> bytes;
  const ssize_t size = ::read(stream.read.get(), bytes.data(), std::min(most, bytes.size()));
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  const std::string_view text(bytes.data(), static_cast<size_t>(size));
  stream.passed += text.size();
  WriteThrough(stream.target, text);
  Look(stream, text);
  return true;
}

void CommandOutput::Look(Stream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    AddToLine(stream, bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    EndLine(stream);
    bytes.remove_prefix(end + 1);
  }
}

void CommandOutput::AddToLine(Stream& stream, std::string_view part) {
  const size_t kept = std::min(part.size(), LinePattern::kLongestLine - stream.line.size());
  stream.line += part.substr(0, kept);
  stream.size += part.size();
  if (kept < part.size())
    stream.digest = stream.digest == 0 ? Hash64(part.substr(kept))
                                       : Hash64(part.substr(kept), stream.digest);
}

void CommandOutput::EndLine(Stream& stream) {
  const bool whole = stream.size == stream.line.size();
  if (whole && stream.line.ends_with('\r')) stream.line.pop_back();
  const std::string rest = whole ? ""
                                 : " [trireme: of a line of " + std::to_string(stream.size) +
                                       " bytes, whose rest is " + FormatHex(stream.digest) + "]";
  for (const LinePattern& pattern : patterns_)
    if (const std::optional<std::string> found = pattern.Find(stream.line))
      Record(TRIREME_OBSERVE, 0, "line:" + pattern.text(), *found + rest);
  stream.line.clear();
  stream.size = stream.digest = 0;
}

}  // namespace trireme
