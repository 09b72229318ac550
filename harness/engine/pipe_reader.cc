#include "harness/engine/pipe_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace trireme {
namespace {

constexpr size_t kReadSize = 64 << 10;
constexpr size_t kTextBudget = 1 << 20;

}  // namespace

Result<UniqueFd> PipeReader::Open() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ErrnoError("cannot make a pipe", errno);
  pipe_ = UniqueFd(ends[0]);
  ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  return UniqueFd(ends[1]);
}

bool PipeReader::Read(size_t budget, const std::function<void(std::string_view)>& take) {
  std::array<char, kReadSize> buffer;  // NOLINT: filled by read()
  while (pipe_.valid() && budget > 0) {
    const ssize_t size = ::read(pipe_.get(), buffer.data(), std::min(budget, buffer.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return true;
    if (size <= 0) return false;
    take({buffer.data(), static_cast<size_t>(size)});
    budget -= static_cast<size_t>(size);
  }
  return pipe_.valid();
}

bool PipeText::Read() {
  const bool more = pipe_.Read(kTextBudget, [&](std::string_view part) { text_.append(part); });
  if (text_.size() > 2 * limit_) {
    text_.erase(0, text_.size() - limit_);
    cut_ = true;
  }
  return more;
}

}  // namespace trireme
