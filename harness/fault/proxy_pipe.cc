#include "harness/fault/proxy_pipe.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "harness/base/clock.h"

namespace trireme {
namespace {

// With a bandwidth, what is written at once: what passes in a 200th of a second.
constexpr int64_t kPartsOfSecond = 200;
// Small slices of one connection must not keep the loop from the others.
constexpr int kWritesOfTurn = 64;
// Memory that an idle pipe keeps.
constexpr size_t kKept = 4096;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

void ProxyPipe::SetFaults(const std::vector<const NetworkFault*>& faults,
                          const PipeReport& report) {
  faults_.Set(faults, forwarded_, report);
  if (holder_ != nullptr && !faults_.holds(holder_)) {
    holder_ = nullptr;
    hold_until_ = 0;
  }
}

ProxyPipe::Turn ProxyPipe::Pump(ProxyEnd& source, ProxyEnd& sink, int64_t now,
                                std::span<char> scratch, const PipeReport& report) {
  Turn turn;
  Flush(sink, now, report, &turn);
  if (turn.outcome != Outcome::kGoesOn || !Read(source, now, scratch)) return turn;
  turn = {};
  Flush(sink, now, report, &turn);
  turn.again = turn.again || (source.readable && held() < kLimit);
  return turn;
}

bool ProxyPipe::Read(ProxyEnd& source, int64_t now, std::span<char> scratch) {
  if (at_end_ || !source.readable || faults_.silent() || held() >= kLimit) return false;
  const ssize_t size = ::recv(source.fd.get(), scratch.data(), scratch.size(), 0);
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && WouldBlock(errno)) return source.readable = false;
  if (size <= 0) return ReachEnd(source, size < 0 || source.reset, now), true;
  // What was short has emptied the socket, and epoll tells when there is more. It does not tell again of an end.
  if (static_cast<size_t>(size) < scratch.size() && !source.hung_up) source.readable = false;
  if (!discards_) Append(scratch.data(), static_cast<size_t>(size), now);
  return true;
}

// It comes as late as a byte would.
void ProxyPipe::ReachEnd(ProxyEnd& source, bool by_reset, int64_t now) {
  source.readable = false;
  at_end_ = true;
  by_reset_ = source.reset = by_reset;
  if (faults_.delays()) newest_due_ = std::max(newest_due_, now + faults_.Delay(read_));
}

void ProxyPipe::Append(const char* bytes, size_t size, int64_t now) {
  held_.append(bytes, size);
  while (size > 0) {
    const uint64_t same = faults_.jitters() ? kJitterPiece - read_ % kJitterPiece : size;
    const size_t part = std::min<uint64_t>(size, same);
    if (faults_.delays()) newest_due_ = std::max(newest_due_, now + faults_.Delay(read_));
    if (!pieces_.empty() && pieces_.back().due == newest_due_)
      pieces_.back().size += part;
    else
      pieces_.push_back({part, newest_due_});
    read_ += part;
    size -= part;
  }
}

void ProxyPipe::Flush(ProxyEnd& sink, int64_t now, const PipeReport& report, Turn* turn) {
  for (int writes = 0; !ended_ && !faults_.silent();) {
    if (now < hold_until_) {
      turn->wake = hold_until_;
      return;
    }
    if (const auto event = faults_.Take(forwarded_, report); event) {
      if (!Happen(*event, sink, now, turn)) return;
      continue;
    }
    if (held() == 0) return PassEnd(sink, now, turn);
    if (!sink.writable || !Allowed(now, turn)) return;
    turn->again = ++writes > kWritesOfTurn;
    if (turn->again) return;
    faults_.Tell(forwarded_, report);
    if (!Write(sink, now, turn)) return;
  }
}

bool ProxyPipe::Happen(const PipeFaults::Event& event, ProxyEnd& sink, int64_t now, Turn* turn) {
  switch (event.kind) {
    case PipeFaults::Kind::kStall:
      if (now + event.fault->stall > hold_until_) {
        holder_ = event.fault;
        hold_until_ = now + event.fault->stall;
      }
      return true;
    case PipeFaults::Kind::kHalfOpen:
      return false;
    case PipeFaults::Kind::kHalfClose:
      Discard();
      ::shutdown(sink.fd.get(), SHUT_WR);
      turn->again = true;
      return false;
    case PipeFaults::Kind::kClose:
      closing_ = event.fault->close;
      turn->outcome = Outcome::kClose;
      break;
  }
  return false;
}

bool ProxyPipe::Allowed(int64_t now, Turn* turn) const {
  const int64_t free = faults_.bandwidth() > 0 ? next_free_ : 0;
  const int64_t time = std::max(free, pieces_.front().due);
  if (time <= now) return true;
  turn->wake = time;
  return false;
}

size_t ProxyPipe::NextSize() const {
  uint64_t size = pieces_.front().size;
  if (faults_.bandwidth() > 0)
    size = std::min(
        size, static_cast<uint64_t>(std::max<int64_t>(faults_.bandwidth() / kPartsOfSecond, 1)));
  return static_cast<size_t>(std::min(size, faults_.Room(forwarded_)));
}

bool ProxyPipe::Write(ProxyEnd& sink, int64_t now, Turn* turn) {
  const size_t wanted = NextSize();
  const ssize_t size = ::send(sink.fd.get(), held_.data() + head_, wanted, MSG_NOSIGNAL);
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && WouldBlock(errno)) return sink.writable = false;
  if (size < 0) {
    sink.reset = true;
    turn->outcome = Outcome::kSinkGone;
    return false;
  }
  Consume(static_cast<size_t>(size), now);
  return true;
}

void ProxyPipe::Consume(size_t size, int64_t now) {
  forwarded_ += size;
  head_ += size;
  if (faults_.bandwidth() > 0)
    next_free_ = std::max(next_free_, now) +
                 static_cast<int64_t>(size) * kNanosecondsPerSecond / faults_.bandwidth();
  while (size > 0) {
    const size_t part = std::min(size, pieces_.front().size);
    pieces_.front().size -= part;
    size -= part;
    if (pieces_.front().size == 0) pieces_.pop_front();
  }
  if (held() == 0) {
    held_.clear();
    head_ = 0;
    if (held_.capacity() > kKept) held_.shrink_to_fit();
  } else if (head_ >= kLimit / 2) {
    held_.erase(0, head_);
    head_ = 0;
  }
}

void ProxyPipe::PassEnd(ProxyEnd& sink, int64_t now, Turn* turn) {
  if (!at_end_) return;
  if (newest_due_ > now) {
    turn->wake = newest_due_;
    return;
  }
  ended_ = true;
  turn->outcome = by_reset_ ? Outcome::kResetSink : Outcome::kEnded;
  if (!by_reset_ && !discards_) ::shutdown(sink.fd.get(), SHUT_WR);
}

void ProxyPipe::Stop() {
  Discard();
  ended_ = true;
}

void ProxyPipe::Discard() {
  discards_ = true;
  held_.clear();
  head_ = 0;
  pieces_.clear();
}

}  // namespace trireme
