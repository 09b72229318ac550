// What the proxy passes on when no fault holds, and how it is told of faults.
#include "harness/fault/proxy.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/clock.h"
#include "tests/harness/fault/proxy_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(ProxyTest, PassesBytesOnBothWays) {
  const Ends ends = Connect();
  const std::string request = Pattern(300'000, 1);
  const std::string reply = Pattern(300'000, 2);
  std::thread server([&] {
    EXPECT_EQ(ReadExactly(ends.server.get(), request.size()), request);
    SendAll(ends.server.get(), reply);
  });
  SendAll(ends.client.get(), request);
  EXPECT_EQ(ReadExactly(ends.client.get(), reply.size()), reply);
  server.join();
  EXPECT_THAT(log_.Now(), IsEmpty());
}

int Unread(int fd) {
  int bytes = -1;
  EXPECT_EQ(::ioctl(fd, FIONREAD, &bytes), 0);
  return bytes;
}

// In a quarter that no other test has.
PortRange PortsOfTest(int count) {
  const int first = 24001 + static_cast<int>(::getpid() % 500) * 12;
  return {static_cast<uint16_t>(first), static_cast<uint16_t>(count)};
}

struct BoundSocket {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port() const { return NameOf(fd.get()).port(); }
};

TEST(ProxyPortsTest, AreOddForListenersAndBetweenForClients) {
  const PortRange range = PortsOfTest(12);
  ProxyPorts ports(range);
  std::vector<BoundSocket> listeners(6), clients(5);
  for (BoundSocket& each : listeners) {
    ASSERT_EQ(ports.BindListener(each.fd.get(), LoopbackAddress::Any()), 0);
    EXPECT_EQ((each.port() - range.first) % 2, 0);
    EXPECT_LT(each.port() - range.first, 12);
  }
  for (BoundSocket& each : clients) {
    ASSERT_EQ(ports.BindClient(each.fd.get(), LoopbackAddress::Any()), 0);
    EXPECT_EQ((each.port() - range.first) % 2, 1);
    EXPECT_LT(each.port() - range.first, 11);
  }
}

TEST(ProxyPortsTest, AreTheKernelsWhereTheirOwnAreTaken) {
  ProxyPorts ports(PortsOfTest(2));
  const BoundSocket first, second, client;
  ASSERT_EQ(ports.BindListener(first.fd.get(), LoopbackAddress::Any()), 0);
  ASSERT_EQ(ports.BindListener(second.fd.get(), LoopbackAddress::Any()), 0);
  ASSERT_EQ(ports.BindClient(client.fd.get(), LoopbackAddress::Any()), 0);
  EXPECT_EQ(first.port(), PortsOfTest(2).first);
  EXPECT_NE(second.port(), first.port());
  EXPECT_NE(client.port(), 0);
}

// So that a turn of the loop can read from all connections before it writes to any.
TEST(ProxyConnectionTest, WritesWhatItReadWhenItIsPumped) {
  const UniqueFd front = ListenSocket(), back = ListenSocket();
  const UniqueFd client = ConnectSocket(NameOf(front.get()));
  ProxyConnection connection({.address = NameOf(back.get()), .id = "1#0", .name = "client#0"},
                             AcceptSocket(front.get()));
  ProxyPorts ports;
  ASSERT_EQ(connection.Bind(&ports), 0);
  connection.Connect();
  const UniqueFd server = AcceptSocket(back.get());
  std::array<char, 64> scratch;
  connection.Read(1, EPOLLOUT, 0, scratch);
  SendAll(client.get(), "early");
  connection.Read(0, EPOLLIN | EPOLLOUT, 0, scratch);
  EXPECT_EQ(Unread(connection.fd(0)), 0);
  EXPECT_TRUE(IsQuiet(server.get()));
  EXPECT_TRUE(connection.Pump(0, scratch, [](const NetworkFault&, Way, uint64_t, const Json&) {}));
  EXPECT_EQ(ReadExactly(server.get(), 5), "early");
}

TEST_F(ProxyTest, ServesIpv6) {
  const auto six = LoopbackAddress::Parse("[::1]:" + std::to_string(proxy_->port()));
  const UniqueFd client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!client.valid() || ::connect(client.get(), six->get(), six->size()) != 0)
    GTEST_SKIP() << "this machine has no ::1";
  const UniqueFd server = AcceptSocket(listener_.get());
  SendAll(client.get(), "six");
  EXPECT_EQ(ReadExactly(server.get(), 3), "six");
}

TEST_F(ProxyTest, TellsTheTableWhereItConnectsOnFrom) {
  Ends ends = Connect();
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  auto* peer = reinterpret_cast<sockaddr*>(&storage);
  ASSERT_EQ(::getpeername(ends.server.get(), peer, &size), 0);
  const LoopbackAddress onward = *LoopbackAddress::Of(peer, size);
  EXPECT_EQ(table_.From(onward), "1#0");
  proxy_.reset();
  EXPECT_EQ(table_.From(onward), "");
}

TEST_F(ProxyTest, PassesTheEndOfOneDirectionOn) {
  const Ends ends = Connect();
  SendAll(ends.client.get(), "question");
  ::shutdown(ends.client.get(), SHUT_WR);
  const Rest rest = ReadRest(ends.server.get());
  EXPECT_EQ(rest.bytes, "question");
  EXPECT_EQ(rest.error, "");
  EXPECT_TRUE(IsQuiet(ends.client.get()));
  SendAll(ends.server.get(), "answer");
  ::shutdown(ends.server.get(), SHUT_WR);
  EXPECT_EQ(ReadRest(ends.client.get()).bytes, "answer");
}

TEST_F(ProxyTest, PassesAResetOnAfterTheBytesBefore) {
  for (const bool by_server : {true, false}) {
    Ends ends = Connect();
    UniqueFd& ending = by_server ? ends.server : ends.client;
    const UniqueFd& left = by_server ? ends.client : ends.server;
    SendAll(ending.get(), "last words");
    EXPECT_EQ(ReadExactly(left.get(), 10), "last words");
    EndByReset(std::move(ending));
    const Rest rest = ReadRest(left.get());
    EXPECT_EQ(rest.bytes, "");
    EXPECT_EQ(rest.error, "ECONNRESET");
  }
}

TEST_F(ProxyTest, PassesAResetOnAfterTheEndOfItsDirection) {
  Ends ends = Connect();
  ::shutdown(ends.client.get(), SHUT_WR);
  EXPECT_EQ(ReadRest(ends.server.get()).error, "");
  EndByReset(std::move(ends.client));
  // Nobody writes: the server learns it from the connection alone.
  std::array<char, 1> byte;
  while (::send(ends.server.get(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
    std::this_thread::yield();
  EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET) << ::strerrorname_np(errno);
  EXPECT_LE(::recv(ends.server.get(), byte.data(), 1, 0), 0);
}

TEST_F(ProxyTest, ResetsWhoWritesToAnEndThatIsGone) {
  Ends ends = Connect();
  ends.server.Reset();
  EXPECT_EQ(ReadRest(ends.client.get()).error, "");
  while (::send(ends.client.get(), "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::yield();
  EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET) << ::strerrorname_np(errno);
}

TEST_F(ProxyTest, PassesTheLastBytesOnOfWhoIsGone) {
  Ends ends = Connect();
  const std::string reply = Pattern(200'000);
  std::thread server([&] {
    SendAll(ends.server.get(), reply);
    ends.server.Reset();
  });
  EXPECT_EQ(ReadRest(ends.client.get()).bytes, reply);
  server.join();
}

TEST_F(ProxyTest, StopsWhoSendsFasterThanTheOtherReads) {
  const Ends ends = Connect();
  const std::string piece = Pattern(65536);
  size_t sent = 0;
  // Once the proxy and both kernels are full, and for good: what is refused is tried again until all have come to rest.
  for (int refused = 0; refused < 1000;) {
    ASSERT_LT(sent, size_t{64} << 20) << "nothing stops the sender";
    const ssize_t size = ::send(ends.server.get(), piece.data() + sent % piece.size(),
                                piece.size() - sent % piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0) sent += static_cast<size_t>(size);
    refused = size > 0 ? 0 : refused + 1;
    std::this_thread::yield();
  }
  for (size_t got = 0; got < sent; got += piece.size()) {
    const size_t expected = std::min(piece.size(), sent - got);
    ASSERT_EQ(ReadExactly(ends.client.get(), expected), piece.substr(0, expected)) << got;
  }
}

TEST_F(ProxyTest, ResetsAClientWhoseServerIsNotThere) {
  listener_.Reset();
  const UniqueFd client = ConnectSocket(proxy_address());
  EXPECT_EQ(ReadRest(client.get()).error, "ECONNRESET");
  EXPECT_THAT(log_.Wait(1), ElementsAre(StartsWith("the proxy cannot connect to 127.0.0.1:")));
}

TEST_F(ProxyTest, ResetsAClientThatTheTableDoesNotKnow) {
  table_.KnowNobody();
  const UniqueFd client = ConnectSocket(proxy_address());
  EXPECT_EQ(ReadRest(client.get()).error, "ECONNRESET");
  EXPECT_THAT(log_.Wait(1), ElementsAre(StartsWith("the proxy knows no connection from ")));
}

TEST_F(ProxyTest, SaysThatDescriptorsAreWanting) {
  const Ends before = Connect();
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(client.get()) + 1, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const LoopbackAddress to = proxy_address();
  const int connected = ::connect(client.get(), to.get(), to.size());
  const Rest rest = ReadRest(client.get());
  const std::vector<std::string> lines = log_.Wait(1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(connected, 0);
  EXPECT_EQ(rest.error, "ECONNRESET");
  EXPECT_THAT(lines,
              ElementsAre("the proxy has no descriptor for a connection, two of which each takes: "
                          "Too many open files"));
  RoundTrip(before);
  RoundTrip(Connect());
}

TEST_F(ProxyTest, ForgetsConnectionsThatAreOver) {
  for (int i = 0; i < 200; ++i) {
    Ends ends = Connect();
    RoundTrip(ends);
    ends.client.Reset();
    EXPECT_EQ(ReadRest(ends.server.get()).error, "");
  }
  // The server's ends are closed, and the last may be under way.
  while (proxy_->connections() > 0) std::this_thread::yield();
}

TEST_F(ProxyTest, ResetsWhatIsLeftAtItsEnd) {
  const Ends ends = Connect();
  RoundTrip(ends);
  proxy_.reset();
  EXPECT_EQ(ReadRest(ends.client.get()).error, "ECONNRESET");
  EXPECT_EQ(ReadRest(ends.server.get()).error, "ECONNRESET");
}

}  // namespace
}  // namespace trireme
