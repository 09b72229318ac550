#ifndef TRIREME_TESTS_HARNESS_FAULT_PROXY_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_FAULT_PROXY_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/mutex.h"
#include "harness/fault/proxy.h"
#include "tests/harness/fault/sockets.h"

namespace trireme {

// Every connection goes to `to`; their ids are 1#0, 1#1 and so on, their names client#0 and so on.
class OneTargetTable : public ProxyTable {
 public:
  explicit OneTargetTable(LoopbackAddress to) : to_(std::move(to)) {}
  std::optional<ProxyTarget> Take(const LoopbackAddress& client) override;
  void Enter(const ProxyTarget& target, const LoopbackAddress& onward) override;
  void Leave(const LoopbackAddress& onward) override;

  // Who comes from there; "" for nobody.
  std::string From(const LoopbackAddress& onward);
  void KnowNobody();

 private:
  const LoopbackAddress to_;
  Mutex mutex_;
  int next_ TRIREME_GUARDED_BY(mutex_) = 0;
  bool nobody_ TRIREME_GUARDED_BY(mutex_) = false;
  std::vector<std::pair<std::string, std::string>> entered_ TRIREME_GUARDED_BY(mutex_);
};

// What a proxy reported.
class ProxyLog {
 public:
  void Add(ProxyEvent event);
  // Waits until there are so many, and returns them as "FAULT CONNECTION DIRECTION OFFSET DO".
  std::vector<std::string> Wait(size_t count);
  std::vector<std::string> Now();
  std::vector<ProxyEvent> Events();

 private:
  std::vector<std::string> Lines() const TRIREME_REQUIRES(mutex_);

  Mutex mutex_;
  CondVar added_;
  std::vector<ProxyEvent> events_ TRIREME_GUARDED_BY(mutex_);
};

// A proxy before a listener of the test's.
class ProxyTest : public testing::Test {
 protected:
  struct Ends {
    UniqueFd client, server;
  };

  void SetUp() override { StartProxy(0); }
  void StartProxy(int64_t begin);
  // A connection through the proxy. A fault that closes it at once must not hold yet.
  Ends Connect();
  LoopbackAddress proxy_address() const;
  // What the file says below `network:`, as JSON, with that number.
  void Apply(const std::string& members, uint16_t number = 1);
  // Everything that was sent to the proxy before is with it.
  void RoundTrip(const Ends& ends);

  UniqueFd listener_ = ListenSocket();
  OneTargetTable table_{NameOf(listener_.get())};
  ProxyPorts ports_;
  ProxyLog log_;
  std::unique_ptr<NetworkProxy> proxy_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_FAULT_PROXY_FIXTURE_H_
