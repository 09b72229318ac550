// What each fault of the network does to a stream, and that it does no more.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "tests/harness/fault/proxy_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kHour = 3600 * kNanosecondsPerSecond;

TEST_F(ProxyTest, CutsAtTheByteByReset) {
  for (const size_t at : {size_t{0}, size_t{1}, size_t{1000}, size_t{70'000}}) {
    Ends ends = Connect();
    Apply(R"({"cut": )" + std::to_string(at) + "}", static_cast<uint16_t>(at + 1));
    const std::string reply = Pattern(100'000);
    const bool told = ::send(ends.server.get(), reply.data(), reply.size(), MSG_NOSIGNAL) < 0;
    const Rest rest = ReadRest(ends.client.get());
    EXPECT_EQ(rest.bytes, reply.substr(0, at));
    EXPECT_EQ(rest.error, "ECONNRESET");
    EXPECT_TRUE(told || ReadRest(ends.server.get()).error == "ECONNRESET");
    proxy_->Lift(static_cast<uint16_t>(at + 1));
  }
}

// How many segments its end of a connection has sent.
uint32_t SegmentsOf(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info.tcpi_segs_out;
}

// Whether the client saw the reset before it had acknowledged a byte, which it puts off as long as it can.
bool IsResetUnacknowledged(int client, int server) {
  const int off = 0;
  (void)::setsockopt(client, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  const uint32_t before = SegmentsOf(client);
  SendAll(server, Pattern(100));
  const Rest rest = ReadRest(client);
  EXPECT_EQ(rest.bytes, Pattern(100));
  EXPECT_EQ(rest.error, "ECONNRESET");
  return SegmentsOf(client) == before;
}

// On a machine that stands still between the bytes and the reset it may have; not each time.
TEST_F(ProxyTest, CutsWithoutWaitingForTheAcknowledgement) {
  constexpr int kAttempts = 20;
  Apply(R"({"cut": 100})");
  int unacknowledged = 0;
  for (int i = 0; i < kAttempts; ++i) {
    const Ends ends = Connect();
    unacknowledged += IsResetUnacknowledged(ends.client.get(), ends.server.get()) ? 1 : 0;
  }
  EXPECT_GT(unacknowledged, 0);
}

TEST_F(ProxyTest, CutsAtTheByteInOrder) {
  const Ends ends = Connect();
  Apply(R"({"cut": 1000, "close": "fin", "direction": "up"})");
  const std::string request = Pattern(5000);
  SendAll(ends.client.get(), request);
  const Rest rest = ReadRest(ends.server.get());
  EXPECT_EQ(rest.bytes, request.substr(0, 1000));
  EXPECT_EQ(rest.error, "");
  EXPECT_EQ(ReadRest(ends.client.get()).error, "");
  EXPECT_THAT(log_.Wait(1), ElementsAre(R"(f1 1#0 up 1000 {"close":"fin"})"));
}

TEST_F(ProxyTest, DoesNotCutBeforeTheByte) {
  const Ends ends = Connect();
  Apply(R"({"cut": 1001})");
  const std::string reply = Pattern(1000);
  SendAll(ends.server.get(), reply);
  ::shutdown(ends.server.get(), SHUT_WR);
  const Rest rest = ReadRest(ends.client.get());
  EXPECT_EQ(rest.bytes, reply);
  EXPECT_EQ(rest.error, "");
  EXPECT_THAT(log_.Now(), IsEmpty());
}

TEST_F(ProxyTest, CutsTheOtherDirectionNowhere) {
  const Ends ends = Connect();
  Apply(R"({"cut": 10, "direction": "up"})");
  SendAll(ends.server.get(), Pattern(1000));
  EXPECT_EQ(ReadExactly(ends.client.get(), 1000), Pattern(1000));
  EXPECT_THAT(log_.Now(), IsEmpty());
}

TEST_F(ProxyTest, CutsAtTheSameByteHoweverTheBytesCome) {
  Apply(R"({"cut": 777, "direction": "up"})");
  Apply(R"({"slice": 10})", 2);
  for (const size_t piece : {size_t{1}, size_t{100}, size_t{776}, size_t{777}, size_t{778}}) {
    const Ends ends = Connect();
    const std::string request = Pattern(1000);
    std::thread client([&] {
      for (size_t at = 0; at < request.size(); at += piece)
        if (::send(ends.client.get(), request.data() + at, std::min(piece, request.size() - at),
                   MSG_NOSIGNAL) < 0)
          return;
    });
    const Rest rest = ReadRest(ends.server.get());
    EXPECT_EQ(rest.bytes, request.substr(0, 777)) << piece;
    EXPECT_EQ(rest.error, "ECONNRESET") << piece;
    client.join();
  }
}

TEST_F(ProxyTest, ClosesAtOnce) {
  const Ends reset = Connect();
  Apply(R"({"close": "rst"})");
  EXPECT_EQ(ReadRest(reset.client.get()).error, "ECONNRESET");
  EXPECT_EQ(ReadRest(reset.server.get()).error, "ECONNRESET");
  proxy_->Lift(1);
  const Ends ended = Connect();
  Apply(R"({"close": "fin"})", 2);
  EXPECT_EQ(ReadRest(ended.client.get()).error, "");
  EXPECT_EQ(ReadRest(ended.server.get()).error, "");
  EXPECT_THAT(log_.Wait(2),
              ElementsAre(R"(f1 1#0 up 0 {"close":"rst"})", R"(f2 1#1 up 0 {"close":"fin"})"));
}

TEST_F(ProxyTest, HalfOpenForwardsNothingAndClosesNothing) {
  const Ends other = Connect();
  Ends ends = Connect();
  Apply(R"({"half-open": true, "offset": 10, "direction": "down", "connection": "1#1"})");
  SendAll(ends.server.get(), Pattern(100));
  EXPECT_EQ(ReadExactly(ends.client.get(), 10), Pattern(100).substr(0, 10));
  EXPECT_THAT(log_.Wait(1), ElementsAre(R"(f1 1#1 down 10 {"half-open":true})"));
  SendAll(ends.client.get(), "up");
  EXPECT_EQ(ReadExactly(ends.server.get(), 2), "up");
  ends.server.Reset();
  RoundTrip(other);
  EXPECT_TRUE(IsQuiet(ends.client.get()));
  proxy_->Lift(1);
  const Rest rest = ReadRest(ends.client.get());
  EXPECT_EQ(rest.bytes, Pattern(100).substr(10));
  EXPECT_EQ(rest.error, "");
}

TEST_F(ProxyTest, HalfOpenStopsWhoSendsOn) {
  const Ends ends = Connect();
  Apply(R"({"half-open": true})");
  log_.Wait(2);
  size_t sent = 0;
  const std::string piece(65536, 'x');
  for (ssize_t size = 0; size >= 0; sent += static_cast<size_t>(std::max<ssize_t>(size, 0))) {
    ASSERT_LT(sent, size_t{64} << 20);
    size = ::send(ends.client.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  EXPECT_TRUE(IsQuiet(ends.server.get()));
}

TEST_F(ProxyTest, HalfClosesOneDirection) {
  const Ends ends = Connect();
  Apply(R"({"half-close": true, "offset": 5})");
  SendAll(ends.server.get(), "hello, world");
  const Rest rest = ReadRest(ends.client.get());
  EXPECT_EQ(rest.bytes, "hello");
  EXPECT_EQ(rest.error, "");
  SendAll(ends.client.get(), "still here");
  EXPECT_EQ(ReadExactly(ends.server.get(), 10), "still here");
  SendAll(ends.server.get(), Pattern(300'000));
  ::shutdown(ends.client.get(), SHUT_WR);
  EXPECT_EQ(ReadRest(ends.server.get()).error, "");
  EXPECT_THAT(log_.Now(), ElementsAre(R"(f1 1#0 down 5 {"half-close":true})"));
}

TEST_F(ProxyTest, StallsOnceInEachDirection) {
  const Ends ends = Connect();
  Apply(R"({"stall": 30000000, "offset": 4})");
  const int64_t before = SystemClock().Now();
  RoundTrip(ends);
  SendAll(ends.client.get(), "again");
  EXPECT_EQ(ReadExactly(ends.server.get(), 5), "again");
  EXPECT_GE(SystemClock().Now() - before, 30'000'000);
  RoundTrip(ends);
  EXPECT_THAT(log_.Now(),
              ElementsAre(R"(f1 1#0 up 4 {"stall":0.03})", R"(f1 1#0 down 4 {"stall":0.03})"));
}

TEST_F(ProxyTest, ALiftedStallIsOver) {
  const Ends ends = Connect();
  Apply(R"({"stall": 3600000000000})");
  log_.Wait(2);
  SendAll(ends.client.get(), "soon");
  proxy_->Lift(1);
  EXPECT_EQ(ReadExactly(ends.server.get(), 4), "soon");
}

TEST_F(ProxyTest, BytesAndEndsComeLate) {
  const Ends ends = Connect();
  Apply(R"({"latency": 20000000, "direction": "up"})");
  const int64_t before = SystemClock().Now();
  SendAll(ends.client.get(), "late");
  EXPECT_EQ(ReadExactly(ends.server.get(), 4), "late");
  EXPECT_GE(SystemClock().Now() - before, 20'000'000);
  const int64_t end = SystemClock().Now();
  ::shutdown(ends.client.get(), SHUT_WR);
  EXPECT_EQ(ReadRest(ends.server.get()).error, "");
  EXPECT_GE(SystemClock().Now() - end, 20'000'000);
  proxy_->Lift(1);
  EXPECT_THAT(log_.Now(), ElementsAre(R"(f1 1#0 up 0 {"latency":0.02})",
                                      R"(f1 1#0 up 4 {"latency":0.02,"over":true})"));
}

TEST_F(ProxyTest, LateBytesKeepTheirOrderWhenTheFaultEnds) {
  const Ends ends = Connect();
  Apply(R"({"latency": 20000000})");
  SendAll(ends.client.get(), "first");
  proxy_->Lift(1);
  SendAll(ends.client.get(), "second");
  EXPECT_EQ(ReadExactly(ends.server.get(), 11), "firstsecond");
}

TEST_F(ProxyTest, JitterKeepsTheOrder) {
  const Ends ends = Connect();
  Apply(R"({"jitter": 2000000})");
  const std::string request = Pattern(100'000);
  std::thread client([&] { SendAll(ends.client.get(), request); });
  EXPECT_EQ(ReadExactly(ends.server.get(), request.size()), request);
  client.join();
}

TEST_F(ProxyTest, BandwidthLimitsEachDirection) {
  const Ends ends = Connect();
  Apply(R"({"bandwidth": 1000000})");
  const std::string request = Pattern(50'000);
  const int64_t before = SystemClock().Now();
  SendAll(ends.client.get(), request);
  EXPECT_EQ(ReadExactly(ends.server.get(), request.size()), request);
  // The last piece, of a 200th of a second, is not waited for.
  EXPECT_GE(SystemClock().Now() - before, 45'000'000);
}

TEST_F(ProxyTest, HitsTheConnectionsOfItsGlobAlone) {
  const Ends first = Connect();
  const Ends second = Connect();
  Apply(R"({"close": "rst", "connection": "client#1"})");
  EXPECT_EQ(ReadRest(second.client.get()).error, "ECONNRESET");
  RoundTrip(first);
}

TEST_F(ProxyTest, HitsTheConnectionsToItsAddressAlone) {
  const Ends ends = Connect();
  Apply(R"({"close": "rst", "to": "127.0.0.1:1"})");
  RoundTrip(ends);
  Apply(R"({"close": "rst", "to": ")" + NameOf(listener_.get()).ToString() + R"("})", 2);
  EXPECT_EQ(ReadRest(ends.client.get()).error, "ECONNRESET");
}

TEST_F(ProxyTest, HitsConnectionsThatComeLater) {
  Apply(R"({"cut": 5, "direction": "up"})");
  for (int i = 0; i < 3; ++i) {
    const Ends ends = Connect();
    SendAll(ends.client.get(), "12345678");
    EXPECT_EQ(ReadRest(ends.server.get()).bytes, "12345");
  }
  EXPECT_THAT(log_.Wait(3),
              ElementsAre(R"(f1 1#0 up 5 {"close":"rst"})", R"(f1 1#1 up 5 {"close":"rst"})",
                          R"(f1 1#2 up 5 {"close":"rst"})"));
}

TEST_F(ProxyTest, HoldsInItsTimeOnly) {
  proxy_.reset();
  StartProxy(SystemClock().Now() - kHour);
  const Ends ends = Connect();
  Apply(R"({"close": "rst", "for": 1000000000})", 1);
  Apply(R"({"close": "rst", "after": 36000000000000})", 2);
  RoundTrip(ends);
  EXPECT_THAT(log_.Now(), IsEmpty());
  Apply(R"({"half-close": true, "after": 1000000000, "for": 36000000000000})", 3);
  EXPECT_EQ(ReadRest(ends.client.get()).error, "");
  EXPECT_THAT(log_.Now(), ElementsAre(R"(f3 1#0 down 4 {"half-close":true})"));
}

TEST_F(ProxyTest, BeginsAndEndsByItself) {
  proxy_.reset();
  const int64_t begin = SystemClock().Now();
  StartProxy(begin);
  const Ends ends = Connect();
  // From now, for the way here may take long on a busy machine, and what is over before it is applied never happens.
  const int64_t after = SystemClock().Now() - begin + 200'000'000;
  Apply(R"({"half-open": true, "after": )" + std::to_string(after) + R"(, "for": 20000000})");
  log_.Wait(2);
  SendAll(ends.client.get(), "waits");
  EXPECT_EQ(ReadExactly(ends.server.get(), 5), "waits");
}

TEST_F(ProxyTest, AFaultOfTheSameNumberReplacesTheOther) {
  const Ends ends = Connect();
  Apply(R"({"stall": 3600000000000})");
  log_.Wait(2);
  SendAll(ends.client.get(), "soon");
  Apply(R"({"slice": 3})");
  EXPECT_EQ(ReadExactly(ends.server.get(), 4), "soon");
}

// Whatever the faults that do not end a stream, and however it is cut into pieces: the bytes are the same.
TEST_F(ProxyTest, NeverChangesAByte) {
  constexpr int kRounds = 12;
  for (uint64_t round = 0; round < kRounds; ++round) {
    Rng rng(round + 1);
    const auto number = [&](uint64_t below) { return std::to_string(1 + rng.Below(below)); };
    if (rng.Below(2) == 0) Apply(R"({"slice": )" + number(3000) + "}", 1);
    if (rng.Below(2) == 0) Apply(R"({"jitter": )" + number(300'000) + "}", 2);
    if (rng.Below(2) == 0) Apply(R"({"bandwidth": )" + number(50'000'000) + "000}", 3);
    if (rng.Below(2) == 0)
      Apply(R"({"stall": )" + number(3'000'000) + R"(, "offset": )" + number(100'000) + "}", 4);
    const Ends ends = Connect();
    const std::string up = Pattern(rng.Below(200'000), round);
    const std::string down = Pattern(rng.Below(200'000), round + 1000);
    const auto send = [](int fd, const std::string& bytes, uint64_t seed) {
      Rng pieces(seed);
      for (size_t at = 0; at < bytes.size();) {
        const size_t size = std::min<size_t>(1 + pieces.Below(20'000), bytes.size() - at);
        SendAll(fd, bytes.substr(at, size));
        at += size;
      }
      ::shutdown(fd, SHUT_WR);
    };
    std::thread client([&] { send(ends.client.get(), up, round); });
    std::thread server([&] { send(ends.server.get(), down, round + 7); });
    std::string got_up;
    std::thread reader([&] { got_up = ReadRest(ends.server.get()).bytes; });
    EXPECT_EQ(ReadRest(ends.client.get()).bytes, down) << "round " << round;
    client.join();
    server.join();
    reader.join();
    EXPECT_EQ(got_up, up) << "round " << round;
    for (const uint16_t fault : {1, 2, 3, 4}) proxy_->Lift(fault);
  }
}

// While faults come and go, from another thread.
TEST_F(ProxyTest, NeverChangesAByteWhileFaultsChange) {
  const Ends ends = Connect();
  const std::string request = Pattern(3'000'000);
  std::thread client([&] {
    SendAll(ends.client.get(), request);
    ::shutdown(ends.client.get(), SHUT_WR);
  });
  std::thread faults([&] {
    for (uint16_t i = 0; i < 100; ++i) {
      Apply(R"({"jitter": 50000, "slice": )" + std::to_string(1000 + i) + "}", i % 3 + 1);
      if (i % 2 == 0) proxy_->Lift(i % 3 + 1);
    }
    for (const uint16_t fault : {1, 2, 3}) proxy_->Lift(fault);
  });
  EXPECT_EQ(ReadRest(ends.server.get()).bytes, request);
  client.join();
  faults.join();
}

}  // namespace
}  // namespace trireme
