#ifndef TRIREME_HARNESS_FAULT_PROXY_PIPE_H_
#define TRIREME_HARNESS_FAULT_PROXY_PIPE_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "harness/fault/pipe_faults.h"

namespace trireme {

// One end of a proxied connection, and what is known of its readiness: epoll tells changes only.
struct ProxyEnd {
  UniqueFd fd;
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // an end or an error is to be read, after what is left
  bool failed = false;   // an error is to be read
  bool reset = false;    // was read
};

// One direction of a proxied connection: reads from one end, holds what has to wait, and writes to the other.
//
// A pipe holds at most kLimit bytes and what it reads at once; then it reads no more, so that who sends too fast is stopped as
// by a direct connection.
class ProxyPipe {
 public:
  static constexpr size_t kLimit = size_t{1} << 20;
  static constexpr int64_t kNoWake = std::numeric_limits<int64_t>::max();

  // What the connection has to do next.
  enum class Outcome {
    kGoesOn,
    kEnded,      // the source's end was passed on
    kResetSink,  // the source was reset, and everything before that is passed on
    kSinkGone,   // the sink was reset
    kClose,      // by a fault, see closing()
  };
  struct Turn {
    Outcome outcome = Outcome::kGoesOn;
    bool again = false;      // there is more to do at once; others first
    int64_t wake = kNoWake;  // CLOCK_MONOTONIC
  };

  ProxyPipe(Way way, uint64_t connection_hash) : faults_(way, connection_hash) {}

  void SetFaults(const std::vector<const NetworkFault*>& faults, const PipeReport& report);
  // Reads once, if anything may be read. False when there was nothing.
  bool Read(ProxyEnd& source, int64_t now, std::span<char> scratch);
  // Moves what can be moved now. REQUIRES: not ended().
  Turn Pump(ProxyEnd& source, ProxyEnd& sink, int64_t now, std::span<char> scratch,
            const PipeReport& report);
  // Its sink is gone: nothing is read any more.
  void Stop();

  bool ended() const { return ended_; }
  NetworkFault::Close closing() const { return closing_; }

 private:
  struct Piece {
    size_t size;
    int64_t due;
  };

  size_t held() const { return held_.size() - head_; }
  void ReachEnd(ProxyEnd& source, bool by_reset, int64_t now);
  void Append(const char* bytes, size_t size, int64_t now);
  void Flush(ProxyEnd& sink, int64_t now, const PipeReport& report, Turn* turn);
  // False when there is something to wait for before the next byte.
  bool Allowed(int64_t now, Turn* turn) const;
  // False when nothing more happens to the direction now.
  bool Happen(const PipeFaults::Event& event, ProxyEnd& sink, int64_t now, Turn* turn);
  // What is held is lost, and what will come.
  void Discard();
  size_t NextSize() const;
  // False when nothing more can be written now.
  bool Write(ProxyEnd& sink, int64_t now, Turn* turn);
  void Consume(size_t size, int64_t now);
  void PassEnd(ProxyEnd& sink, int64_t now, Turn* turn);

  PipeFaults faults_;
  const NetworkFault* holder_ = nullptr;  // whose stall it is
  int64_t hold_until_ = 0;
  NetworkFault::Close closing_ = NetworkFault::Close::kNone;
  bool discards_ = false;
  // What was read and not written yet.
  std::string held_;
  size_t head_ = 0;
  std::deque<Piece> pieces_;
  int64_t newest_due_ = 0;
  int64_t next_free_ = 0;  // by the bandwidth
  uint64_t read_ = 0, forwarded_ = 0;
  bool at_end_ = false;  // of the source
  bool by_reset_ = false;
  bool ended_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_PIPE_H_
