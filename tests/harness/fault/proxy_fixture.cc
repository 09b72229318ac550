#include "tests/harness/fault/proxy_fixture.h"

#include <algorithm>
#include <chrono>

namespace trireme {

std::optional<ProxyTarget> OneTargetTable::Take(const LoopbackAddress&) {
  const MutexLock lock(mutex_);
  if (nobody_) return std::nullopt;
  const std::string number = std::to_string(next_++);
  return ProxyTarget{.address = to_, .id = "1#" + number, .name = "client#" + number};
}

void OneTargetTable::Enter(const ProxyTarget& target, const LoopbackAddress& onward) {
  const MutexLock lock(mutex_);
  entered_.emplace_back(onward.ToString(), target.id);
}

void OneTargetTable::Leave(const LoopbackAddress& onward) {
  const MutexLock lock(mutex_);
  std::erase_if(entered_, [&](const auto& entry) { return entry.first == onward.ToString(); });
}

std::string OneTargetTable::From(const LoopbackAddress& onward) {
  const MutexLock lock(mutex_);
  for (const auto& [from, id] : entered_)
    if (from == onward.ToString()) return id;
  return "";
}

void OneTargetTable::KnowNobody() {
  const MutexLock lock(mutex_);
  nobody_ = true;
}

void ProxyLog::Add(ProxyEvent event) {
  const MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  added_.NotifyAll();
}

std::vector<std::string> ProxyLog::Lines() const {
  std::vector<std::string> lines;
  for (const ProxyEvent& event : events_) {
    if (event.fault == 0) {
      lines.push_back(GetString(event.value, "error"));
      continue;
    }
    lines.push_back(event.name + " " + event.connection + " " +
                    GetString(event.value, "direction") + " " +
                    std::to_string(GetInt(event.value, "offset")) + " " +
                    DumpJson(GetMember(event.value, "do")));
  }
  return lines;
}

std::vector<std::string> ProxyLog::Wait(size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const MutexLock lock(mutex_);
  while (events_.size() < count)
    if (!added_.WaitUntil(mutex_, deadline)) break;
  EXPECT_GE(events_.size(), count);
  return Lines();
}

std::vector<std::string> ProxyLog::Now() {
  const MutexLock lock(mutex_);
  return Lines();
}

std::vector<ProxyEvent> ProxyLog::Events() {
  const MutexLock lock(mutex_);
  return events_;
}

void ProxyTest::StartProxy(int64_t begin) {
  Result<std::unique_ptr<NetworkProxy>> proxy =
      NetworkProxy::Start(&table_, begin, [this](ProxyEvent event) { log_.Add(std::move(event)); },
                          &ports_);
  ASSERT_TRUE(proxy.ok()) << proxy.error().message;
  proxy_ = *std::move(proxy);
}

LoopbackAddress ProxyTest::proxy_address() const {
  return *LoopbackAddress::Parse("127.0.0.1:" + std::to_string(proxy_->port()));
}

ProxyTest::Ends ProxyTest::Connect() {
  Ends ends;
  ends.client = ConnectSocket(proxy_address());
  ends.server = AcceptSocket(listener_.get());
  return ends;
}

void ProxyTest::Apply(const std::string& members, uint16_t number) {
  Fault fault{.name = "f" + std::to_string(number), .key = "network"};
  fault.members = *ParseJson(members, "members");
  Result<NetworkFault> network = ReadNetworkFault(fault);
  ASSERT_TRUE(network.ok()) << network.error().message;
  network->number = number;
  proxy_->Apply(*network);
}

void ProxyTest::RoundTrip(const Ends& ends) {
  SendAll(ends.client.get(), "ping");
  EXPECT_EQ(ReadExactly(ends.server.get(), 4), "ping");
  SendAll(ends.server.get(), "pong");
  EXPECT_EQ(ReadExactly(ends.client.get(), 4), "pong");
}

}  // namespace trireme
