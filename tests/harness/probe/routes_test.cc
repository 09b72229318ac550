// Connections of a program under the probe go through the proxy of the harness, and keep their ids at both ends. The program is a
// fork, which alone attaches to the recording: the proxy's own calls are nobody's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/mutex.h"
#include "harness/fault/compile.h"
#include "harness/fault/network.h"
#include "harness/fault/passage_table.h"
#include "harness/fault/proxy.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

UniqueFd Listening(sockaddr_in* address) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(*address);
  auto* name = reinterpret_cast<sockaddr*>(address);
  EXPECT_EQ(::bind(listener.get(), name, size), 0);
  EXPECT_EQ(::listen(listener.get(), 8), 0);
  EXPECT_EQ(::getsockname(listener.get(), name, &size), 0);
  return listener;
}

class RoutesTest : public testing::Test {
 protected:
  // A plan of one fault of the network, a proxy that does it, and a recording that leads there.
  void Begin(const std::string& members) {
    Fault fault{.name = "f", .key = "network"};
    fault.members = *ParseJson(members, "members");
    RecordingOptions options;
    ASSERT_TRUE(CompileNetworkFault(fault, 1, 7, options.plan).ok());
    options.plan.connections = 64;
    options.clients = PortsForClients();
    Result<std::unique_ptr<NetworkProxy>> proxy =
        NetworkProxy::Start(&table_, 0, [this](const ProxyEvent& event) { Add(event); }, &ports_);
    ASSERT_TRUE(proxy.ok());
    proxy_ = *std::move(proxy);
    for (uint32_t i = 0; i < options.plan.block.routes; ++i)
      options.plan.block.route[i].port = proxy_->port();
    ASSERT_TRUE(CreateRecording(path_, options).ok());
    ASSERT_TRUE(table_.Open(path_).ok());
    NetworkFault network = *ReadNetworkFault(fault);
    network.number = 1;
    proxy_->Apply(network);
  }

  void Add(const ProxyEvent& event) {
    const MutexLock lock(mutex_);
    events_.push_back(event.connection + " " + DumpJson(event.value));
  }

  // What one process of the trial does; its result is the exit code.
  int InTrial(const std::function<int()>& program) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (trireme_probe(TRIREME_PROBE_ABI)->attach(path_.c_str()) != 0) ::_exit(99);
      ::_exit(program());
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // A task of another name than what runs without one.
  static void StartSecond() {
    FaultsApi().record_for(2, TRIREME_TASK_START, 0, "2", 1, TRIREME_TEXT, "second", 6);
    FaultsApi().set_task(2);
  }

  // A connection to a server of the same process, which sends eight bytes; how many come, or 100 and how many when a reset does.
  int Exchange() {
    return InTrial([this] {
      const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
      const auto* to = reinterpret_cast<const sockaddr*>(&address_);
      if (::connect(client.get(), to, sizeof(address_)) != 0) return 98;
      const UniqueFd server(::accept(listener_.get(), nullptr, nullptr));
      if (!server.valid()) return 97;
      (void)::send(server.get(), "12345678", 8, MSG_NOSIGNAL);
      ::shutdown(server.get(), SHUT_WR);
      int got = 0;
      for (char byte = 0;; ++got) {
        const ssize_t size = ::recv(client.get(), &byte, 1, 0);
        if (size == 0) return got;
        if (size < 0) return 100 + got;
      }
    });
  }

  std::vector<std::string> Events() {
    proxy_.reset();
    const MutexLock lock(mutex_);
    return events_;
  }
  // "client 1#0" of each end that was opened.
  std::multiset<std::string> Opened() {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    std::multiset<std::string> opened;
    for (const Event& event : history->events())
      if (event.kind == EventKind::kConnection && event.key == "opened")
        opened.insert(GetString(event.Value(), "side") + " " +
                      GetString(event.Value(), "connection"));
    return opened;
  }

  const TemporaryDirectory folder_;
  const std::string path_ = JoinPath(folder_.path(), "history.ring");
  sockaddr_in address_{};
  const UniqueFd listener_ = Listening(&address_);
  Mutex mutex_;
  std::vector<std::string> events_ TRIREME_GUARDED_BY(mutex_);
  PassageTable table_;
  // Of two ports they listen at, and connect from the one between.
  const uint16_t onward_ =
      static_cast<uint16_t>(PortsForClients().first + 601 + ::getpid() % 500 * 4);
  ProxyPorts ports_{{static_cast<uint16_t>(onward_ - 1), 4}};
  std::unique_ptr<NetworkProxy> proxy_;
};

TEST_F(RoutesTest, TheProxyCutsAConnectionOfTheTrial) {
  Begin(R"({"cut": 5})");
  EXPECT_EQ(Exchange(), 105);
  EXPECT_THAT(
      Events(),
      ElementsAre(
          R"(-#0 {"do":{"close":"rst"},"connection":"-#0","direction":"down","offset":5})"));
}

TEST_F(RoutesTest, NoAddressIsTheLoopback) {
  Begin(R"({"cut": 5})");
  address_.sin_addr.s_addr = htonl(INADDR_ANY);
  EXPECT_EQ(Exchange(), 105);
  EXPECT_THAT(Opened(), UnorderedElementsAre("client -#0", "server -#0"));
}

TEST_F(RoutesTest, BothEndsHaveTheSameId) {
  Begin(R"({"cut": 5})");
  Exchange();
  EXPECT_THAT(Opened(), UnorderedElementsAre("client -#0", "server -#0"));
}

// The first client had the port from which the proxy then connects for the second.
TEST_F(RoutesTest, APortThatAClientHadIsNoneOfItsAnyMore) {
  Begin(R"({"latency": 1})");
  const auto exchange = [this](const UniqueFd& client) {
    const auto* to = reinterpret_cast<const sockaddr*>(&address_);
    if (::connect(client.get(), to, sizeof(address_)) != 0) return false;
    const UniqueFd server(::accept(listener_.get(), nullptr, nullptr));
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return server.valid();
  };
  ASSERT_EQ(InTrial([&] {
              sockaddr_in name{.sin_family = AF_INET, .sin_port = htons(onward_)};
              const UniqueFd first(::socket(AF_INET, SOCK_STREAM, 0));
              if (::bind(first.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0)
                return 1;
              return exchange(first) ? 0 : 2;
            }),
            0);
  while (proxy_->connections() != 0) ::sched_yield();
  ASSERT_EQ(InTrial([&] {
              StartSecond();
              return exchange(UniqueFd(::socket(AF_INET, SOCK_STREAM, 0))) ? 0 : 2;
            }),
            0);
  EXPECT_THAT(Opened(),
              UnorderedElementsAre("client -#0", "server -#0", "client 2#0", "server 2#0"));
}

// Were it passed on, it would be connected first and reset then, or not yet when it is looked at.
TEST_F(RoutesTest, WhereNobodyListensItIsRefused) {
  Begin(R"({"latency": 1000000})");
  sockaddr_in nobody{};
  { const UniqueFd gone = Listening(&nobody); }
  EXPECT_EQ(InTrial([&] {
              const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
              const auto* to = reinterpret_cast<const sockaddr*>(&nobody);
              return ::connect(client.get(), to, sizeof(nobody)) == 0 ? 0 : errno;
            }),
            ECONNREFUSED);
  EXPECT_THAT(Events(), IsEmpty());
}

// As it is for what outlives the harness.
TEST_F(RoutesTest, WhereTheProxyIsGoneItGoesStraight) {
  sockaddr_in server{};
  const UniqueFd listener = Listening(&server);
  Begin(R"({"latency": 1000000})");
  proxy_.reset();
  EXPECT_EQ(InTrial([&] {
              const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
              const auto* to = reinterpret_cast<const sockaddr*>(&server);
              return ::connect(client.get(), to, sizeof(server)) == 0 ? 0 : errno;
            }),
            0);
}

// It listens at every address, of both families: a connection to one of them is passed on.
TEST_F(RoutesTest, AListenerOfEveryAddressIsThere) {
  const UniqueFd everywhere(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!everywhere.valid()) GTEST_SKIP() << "no IPv6 on this machine";
  sockaddr_in6 any{.sin6_family = AF_INET6};
  socklen_t size = sizeof(any);
  ASSERT_EQ(::bind(everywhere.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
  ASSERT_EQ(::listen(everywhere.get(), 8), 0);
  ASSERT_EQ(::getsockname(everywhere.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
  Begin(R"({"cut": 5})");
  EXPECT_EQ(InTrial([&] {
              const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
              sockaddr_in to = address_;
              to.sin_port = any.sin6_port;
              if (::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
                return 98;
              const UniqueFd server(::accept(everywhere.get(), nullptr, nullptr));
              (void)::send(server.get(), "12345678", 8, MSG_NOSIGNAL);
              char byte = 0;
              int got = 0;
              while (::recv(client.get(), &byte, 1, 0) == 1) ++got;
              return got;
            }),
            5);
}

TEST_F(RoutesTest, OtherConnectionsGoDirectly) {
  Begin(R"({"cut": 5, "connection": "other*"})");
  EXPECT_EQ(Exchange(), 8);
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(RoutesTest, OtherAddressesAreReachedDirectly) {
  Begin(R"({"cut": 5, "to": "127.0.0.1:1"})");
  EXPECT_EQ(Exchange(), 8);
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(RoutesTest, ItsAddressIsReachedThroughTheProxy) {
  Begin(R"({"cut": 5, "to": "127.0.0.1:)" + std::to_string(ntohs(address_.sin_port)) + R"("})");
  EXPECT_EQ(Exchange(), 105);
}

}  // namespace
}  // namespace trireme
