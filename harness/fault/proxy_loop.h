#ifndef TRIREME_HARNESS_FAULT_PROXY_LOOP_H_
#define TRIREME_HARNESS_FAULT_PROXY_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
#include "harness/fault/proxy_event.h"
#include "harness/fault/proxy_table.h"

struct epoll_event;

namespace trireme {

// A thread that blocks all signals, which are the harness's main thread's, and whose waits are as exact as the kernel can.
std::thread StartProxyThread(const std::function<void()>& run);

// Some of a proxy's connections: one thread and one epoll loop that pass them on, and do to them what faults say.
// Thread safety: any threads, but not from `report` or the table.
class ProxyLoop {
 public:
  // `table` outlives the loop; `report` is called by the loop's thread and by who calls Add, Apply or Lift. `begin`: from when
  // the faults' times count. An error is the machine's.
  static Result<std::unique_ptr<ProxyLoop>> Start(ProxyTable* table, int64_t begin,
                                                  ProxyReport report);
  // Closes every connection, by a reset.
  ~ProxyLoop();
  ProxyLoop(const ProxyLoop&) = delete;
  ProxyLoop& operator=(const ProxyLoop&) = delete;

  // Connects it to its target, and takes care of it from now on. REQUIRES: it is bound.
  void Add(std::unique_ptr<ProxyConnection> connection) TRIREME_EXCLUDES(mutex_);
  // As of NetworkProxy.
  void Apply(const NetworkFault& fault) TRIREME_EXCLUDES(mutex_);
  void Lift(uint16_t number) TRIREME_EXCLUDES(mutex_);
  size_t connections() TRIREME_EXCLUDES(mutex_);

 private:
  struct Timed {
    const NetworkFault* fault;
    int64_t from, until;
  };

  ProxyLoop(ProxyTable* table, int64_t begin, ProxyReport report);
  Status Watch(int fd, uint64_t key, uint32_t events);
  void Run();
  void Turn(const ::epoll_event* events, int count) TRIREME_REQUIRES(mutex_);
  // Of what epoll tells; nullptr: there is none, or no longer.
  ProxyConnection* Find(uint64_t key) TRIREME_REQUIRES(mutex_);
  int64_t NextTime() TRIREME_REQUIRES(mutex_);
  void Wake() const;

  void PumpDue(int64_t now) TRIREME_REQUIRES(mutex_);
  void Pump(uint64_t number) TRIREME_REQUIRES(mutex_);
  void PumpSoon(uint64_t number, ProxyConnection* connection) TRIREME_REQUIRES(mutex_);
  void Remove(uint64_t number) TRIREME_REQUIRES(mutex_);

  // Which faults hold now; tells the connections when these are others than before.
  void Refresh(int64_t now) TRIREME_REQUIRES(mutex_);
  void ReportFault(const ProxyConnection& connection, const NetworkFault& fault, Way way,
                   uint64_t offset, Json what);

  ProxyTable* const table_;
  const int64_t begin_;
  const ProxyReport report_;
  UniqueFd epoll_, wake_;

  Mutex mutex_;
  bool ending_ TRIREME_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<const NetworkFault>> kept_
      TRIREME_GUARDED_BY(mutex_);  // also of the past: pipes point to them
  std::map<uint16_t, Timed> faults_ TRIREME_GUARDED_BY(mutex_);
  std::vector<const NetworkFault*> holding_ TRIREME_GUARDED_BY(mutex_);
  int64_t next_change_ TRIREME_GUARDED_BY(mutex_) = ProxyPipe::kNoWake;
  std::unordered_map<uint64_t, std::unique_ptr<ProxyConnection>> connections_
      TRIREME_GUARDED_BY(mutex_);
  uint64_t next_number_ TRIREME_GUARDED_BY(mutex_) = 1;
  std::set<std::pair<int64_t, uint64_t>> waiting_ TRIREME_GUARDED_BY(mutex_);
  std::vector<uint64_t> again_ TRIREME_GUARDED_BY(mutex_);
  std::vector<char> scratch_ TRIREME_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_LOOP_H_
