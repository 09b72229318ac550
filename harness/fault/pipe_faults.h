#ifndef TRIREME_HARNESS_FAULT_PIPE_FAULTS_H_
#define TRIREME_HARNESS_FAULT_PIPE_FAULTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/fault/network.h"

namespace trireme {

// By chance up to `jitter`, for the piece of a stream in which byte `offset` is: the same in every run and runtime.
int64_t JitterOf(const NetworkFault& fault, uint64_t connection_hash, Way way, uint64_t offset);
inline constexpr uint64_t kJitterPiece = 1024;  // bytes that are late by the same

// `what` a fault does to a direction of a connection, from the byte at `offset` on.
using PipeReport =
    std::function<void(const NetworkFault& fault, Way way, uint64_t offset, Json what)>;

// What the faults of the moment do to one direction of a connection: decided by offsets, never by the time.
class PipeFaults {
 public:
  enum class Kind { kStall, kHalfOpen, kHalfClose, kClose };
  struct Event {
    const NetworkFault* fault;
    Kind kind;
    uint64_t at;
  };

  PipeFaults(Way way, uint64_t connection_hash) : way_(way), hash_(connection_hash) {}

  // Those that hold from now on, when so many bytes were forwarded; they outlive this object.
  void Set(const std::vector<const NetworkFault*>& faults, uint64_t forwarded,
           const PipeReport& report);

  bool holds(const NetworkFault* fault) const;
  // How much later the byte at `offset` comes.
  int64_t Delay(uint64_t offset) const;
  bool delays() const { return !late_.empty(); }
  bool jitters() const { return jitters_; }
  int64_t bandwidth() const { return bandwidth_; }  // 0: no limit
  // The direction is half-open.
  bool silent() const { return silent_; }
  // How many bytes may be forwarded at once after so many.
  uint64_t Room(uint64_t forwarded) const;
  // Takes what happens after so many bytes, if anything does, and reports it.
  std::optional<Event> Take(uint64_t forwarded, const PipeReport& report);
  // A byte is forwarded: what shapes the stream is reported, once.
  void Tell(uint64_t offset, const PipeReport& report);

 private:
  using Begun = std::pair<uint16_t, Kind>;

  void Forget(uint64_t forwarded, const PipeReport& report);
  void AddEvents(const NetworkFault& fault, uint64_t forwarded);
  void AddEvent(const NetworkFault& fault, Kind kind, const std::optional<int64_t>& at,
                uint64_t forwarded);

  const Way way_;
  const uint64_t hash_;
  std::vector<const NetworkFault*> faults_;  // that hit this direction
  std::vector<const NetworkFault*> late_, untold_, told_;
  bool jitters_ = false;
  int64_t bandwidth_ = 0;
  uint64_t slice_ = 0;
  bool silent_ = false;
  std::vector<Event> events_;  // to come
  std::set<Begun> begun_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PIPE_FAULTS_H_
