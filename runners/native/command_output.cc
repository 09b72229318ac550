#include "runners/native/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runners/sdk/probe.h"

namespace trireme {
namespace {

void WriteThrough(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
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
  const UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  std::array<pollfd, 3> watched{};
  for (size_t i = 0; i < streams_.size(); ++i)
    watched[i] = {.fd = streams_[i].read.get(), .events = POLLIN, .revents = 0};
  watched[2] = {.fd = ended.get(), .events = POLLIN, .revents = 0};
  while (ended.valid() && (watched[2].revents & POLLIN) == 0) {
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (watched[i].revents == 0) continue;
      Forward(streams_[i]);
      if ((watched[i].revents & POLLIN) == 0) watched[i].fd = -1;  // nobody writes there any more
    }
  }
  for (Stream& stream : streams_) {
    while (Forward(stream)) continue;
    EndLine(stream);
  }
}

bool CommandOutput::Forward(Stream& stream) {
  std::array<char, 16 * 1024> bytes;
  const ssize_t size = ::read(stream.read.get(), bytes.data(), bytes.size());
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  const std::string_view text(bytes.data(), static_cast<size_t>(size));
  WriteThrough(stream.target, text);
  Look(stream, text);
  return true;
}

void CommandOutput::Look(Stream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    stream.line += part.substr(0, LinePattern::kLongestLine - stream.line.size());
    if (end == std::string_view::npos) return;
    EndLine(stream);
    bytes.remove_prefix(end + 1);
  }
}

void CommandOutput::EndLine(Stream& stream) {
  if (stream.line.ends_with('\r')) stream.line.pop_back();
  for (const LinePattern& pattern : patterns_)
    if (const std::optional<std::string> found = pattern.Find(stream.line))
      Record(TRIREME_OBSERVE, 0, "line:" + pattern.text(), *found);
  stream.line.clear();
}

}  // namespace trireme
