#ifndef TRIREME_HARNESS_FAULT_PROXY_H_
#define TRIREME_HARNESS_FAULT_PROXY_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/base/mutex.h"
#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/fault/network.h"
#include "harness/fault/proxy_connection.h"

struct epoll_event;

namespace trireme {

// What the proxy did, for the history.
struct ProxyEvent {
  int64_t time = 0;  // CLOCK_MONOTONIC
  uint16_t fault =
      0;  // its number in the plan; 0: by no fault, but a connection that could not be served
  std::string name;  // of the fault
  std::string connection;
  Json
      value;  // of a FAULT event: {"do", "connection", "direction", "offset"}; else {"error", "connection"}
};

// Knows where the connections go that come to a proxy. Called by the proxy's thread.
class ProxyTable {
 public:
  virtual ~ProxyTable() = default;
  // Of the connection that comes from there; nothing when it is none of the trial's.
  virtual std::optional<ProxyTarget> Take(const LoopbackAddress& client) = 0;
  // The proxy will connect on from there, and does so no longer.
  virtual void Enter(const ProxyTarget& target, const LoopbackAddress& onward) = 0;
  virtual void Leave(const LoopbackAddress& onward) = 0;
};

// Passes connections on, on this machine, and does to them what faults say: one thread, one epoll loop.
//
// Listens on 127.0.0.1 and, where there is one, ::1, on the same port. What a connection suffers is decided by its id and the
// offsets of its bytes; time decides only when a fault begins and ends, and when late bytes come.
// Thread safety: Apply and Lift by any threads, but not by `report` or the table.
class NetworkProxy {
 public:
  using Report = std::function<void(ProxyEvent event)>;

  // `table` outlives the proxy; `report` is called by the proxy's thread and by who calls Apply or Lift, one at a time.
  // `begin`: when the trial began, from which the faults' times count. An error is the machine's.
  static Result<std::unique_ptr<NetworkProxy>> Start(ProxyTable* table, int64_t begin,
                                                     Report report);
  // Closes every connection, by a reset.
  ~NetworkProxy();
  NetworkProxy(const NetworkProxy&) = delete;
  NetworkProxy& operator=(const NetworkProxy&) = delete;

  uint16_t port() const { return port_; }
  // From `after` for `duration` it holds, for new connections and those that there are. When this returns it does, if it
  // begins at once. Replaces one with the same number.
  void Apply(const NetworkFault& fault) TRIREME_EXCLUDES(mutex_);
  // The fault of that number holds no more, whatever its duration.
  void Lift(uint16_t number) TRIREME_EXCLUDES(mutex_);
  // How many connections there are.
  size_t connections() TRIREME_EXCLUDES(mutex_);

 private:
  struct Timed {
    const NetworkFault* fault;
    int64_t from, until;
  };

  NetworkProxy(ProxyTable* table, int64_t begin, Report report);
  Status Listen();
  Status Watch(int fd, uint64_t key, uint32_t events);
  void Run();
  void Turn(const ::epoll_event* events, int count) TRIREME_REQUIRES(mutex_);
  // Of what epoll tells; nullptr: there is none, or no longer.
  ProxyConnection* Find(uint64_t key) TRIREME_REQUIRES(mutex_);
  int64_t NextTime() TRIREME_REQUIRES(mutex_);
  void Wake() const;

  void Accept(int listener) TRIREME_REQUIRES(mutex_);
  void Refuse(int listener, int error) TRIREME_REQUIRES(mutex_);
  void Admit(UniqueFd client, const LoopbackAddress& from) TRIREME_REQUIRES(mutex_);
  void PumpDue(int64_t now) TRIREME_REQUIRES(mutex_);
  void Pump(uint64_t number) TRIREME_REQUIRES(mutex_);
  void PumpSoon(uint64_t number, ProxyConnection* connection) TRIREME_REQUIRES(mutex_);
  void Remove(uint64_t number) TRIREME_REQUIRES(mutex_);

  // Which faults hold now; tells the connections when these are others than before.
  void Refresh(int64_t now) TRIREME_REQUIRES(mutex_);
  void ReportFault(const ProxyConnection& connection, const NetworkFault& fault, Way way,
                   uint64_t offset, Json what);
  void ReportError(const std::string& connection, std::string text, int error);

  ProxyTable* const table_;
  const int64_t begin_;
  const Report report_;
  UniqueFd epoll_, wake_, spare_;
  std::array<UniqueFd, 2> listeners_;
  uint16_t port_ = 0;

  Mutex mutex_;
  bool ending_ TRIREME_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<const NetworkFault>> kept_
      TRIREME_GUARDED_BY(mutex_);  // also of the past: pipes point to them
  std::map<uint16_t, Timed> faults_ TRIREME_GUARDED_BY(mutex_);
  std::vector<const NetworkFault*> holding_ TRIREME_GUARDED_BY(mutex_);
  int64_t next_change_ TRIREME_GUARDED_BY(mutex_) = ProxyPipe::kNoWake;
  std::unordered_map<uint64_t, std::unique_ptr<ProxyConnection>> connections_
      TRIREME_GUARDED_BY(mutex_);
  uint64_t next_number_ TRIREME_GUARDED_BY(mutex_) = 2;
  std::set<std::pair<int64_t, uint64_t>> waiting_ TRIREME_GUARDED_BY(mutex_);
  std::vector<uint64_t> again_ TRIREME_GUARDED_BY(mutex_);
  std::vector<char> scratch_ TRIREME_GUARDED_BY(mutex_);
  bool told_want_ TRIREME_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_H_
