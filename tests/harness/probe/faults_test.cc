// What a plan does to calls: they are the probe's, which is linked before the C library.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"
#include "harness/fault/error_names.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;

class FaultsTest : public SocketFaultsFixture {};

// Whether a thread of this process waits in the kernel.
bool Sleeps(pid_t thread) {
  const Result<std::string> status =
      ReadFile("/proc/self/task/" + std::to_string(thread) + "/stat");
  return status.ok() && status->find(") S ") != std::string::npos;
}

TEST_F(FaultsTest, CutsAReadWhereAShortOneIsDue) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 4);
  rule.amount = 1;
  Begin({rule});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123456789", 10, 0), 10);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.server.get(), 10), "4");
  EXPECT_EQ(Receive(ends.server.get(), 10), "56789");
  EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 4 {\"short\":1}"));
}

// As it would where the kernel had no more than that to give.
TEST_F(FaultsTest, AShortReadEndsWhereTheNextFaultIsDue) {
  trireme_fault_rule shorter = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 4);
  shorter.amount = 3;
  trireme_fault_rule again = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 5);
  Begin({shorter, again});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123456789", 10, 0), 10);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.server.get(), 10), "4");
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(EINTR));
  EXPECT_EQ(Receive(ends.server.get(), 10), "56789");
}

TEST_F(FaultsTest, ReadsOfTheOtherEndAreWhole) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 4);
  rule.amount = 1;
  Begin({rule});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.server.get(), "0123456789", 10, 0), 10);
  EXPECT_EQ(Receive(ends.client.get(), 10), "0123456789");
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(FaultsTest, CutsManyPiecesAtTheSameByte) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 5);
  Begin({rule});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123456789", 10, 0), 10);
  std::array<char, 3> first{};
  std::array<char, 7> second{};
  std::array<iovec, 2> parts = {{{first.data(), first.size()}, {second.data(), second.size()}}};
  EXPECT_EQ(::readv(ends.server.get(), parts.data(), 2), 5);
  EXPECT_EQ(std::string(second.data(), 2), "34");
  EXPECT_EQ(::readv(ends.server.get(), parts.data(), 2), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(::readv(ends.server.get(), parts.data(), 2), 5);
  EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 5 {\"interrupt\":true}"));
}

TEST_F(FaultsTest, DoesNothingToAReadThatFindsNothing) {
  Begin({At(OfServer(Error(TRIREME_CALL_RECV, EAGAIN)), 0)});
  const Ends ends = Connect(SOCK_NONBLOCK);
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(EAGAIN));
  EXPECT_THAT(Faults(), IsEmpty());
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(EAGAIN));
  EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 0 {\"error\":\"EAGAIN\"}"));
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
}

TEST_F(FaultsTest, TellsOfAnotherErrorAtTheByteOfAFault) {
  Begin({At(OfServer(Error(TRIREME_CALL_RECV, ENOMEM)), 4)});
  Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(ends.server.get(), 4), "0123");
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(ends.client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ends.client.Reset();
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
  EXPECT_THAT(Faults(), IsEmpty());
}

// The byte comes while the reader asks for it again and again: of a probe that looks for it and then reads, each byte comes
// between the two with a chance of some 30 %, and none of a hundred with less than 1e-15.
TEST_F(FaultsTest, HitsAByteThatComesWhileItIsLookedFor) {
  constexpr int kConnections = 100;
  Begin({At(OfServer(Error(TRIREME_CALL_RECV, ENOMEM)), 0)});
  int hit = 0;
  for (int i = 0; i < kConnections; ++i) {
    const Ends ends = Connect(SOCK_NONBLOCK);
    std::thread sender([&] { EXPECT_EQ(::send(ends.client.get(), "0123", 4, 0), 4); });
    std::string got;
    do {
      got = Receive(ends.server.get(), 10);
    } while (got == "error " + std::to_string(EAGAIN));
    sender.join();
    hit += got == "error " + std::to_string(ENOMEM) ? 1 : 0;
  }
  EXPECT_EQ(hit, kConnections);
}

// A plan that was made of a log has a rule for each time.
TEST_F(FaultsTest, FailsAsManyCallsAtOneByteAsThereAreRules) {
  const trireme_fault_rule again = At(OfServer(Error(TRIREME_CALL_RECV, EAGAIN)), 0);
  trireme_fault_rule reset = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 0);
  Begin({again, again, again, reset});
  const Ends ends = Connect(SOCK_NONBLOCK);
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  pollfd ready{.fd = ends.server.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(Receive(ends.server.get(), 1), "error " + std::to_string(EAGAIN));
  EXPECT_EQ(Receive(ends.server.get(), 1), "error " + std::to_string(ECONNRESET));
  EXPECT_EQ(Faults().size(), 4U);
}

TEST_F(FaultsTest, TellsNoBlockingReaderToTryAgain) {
  Begin({At(OfServer(Error(TRIREME_CALL_RECV, EAGAIN)), 0)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(FaultsTest, ResetsTheKernelsSocket) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
  EXPECT_EQ(Receive(ends.client.get(), 10), "error " + std::to_string(ECONNRESET));
  // As after a real one.
  EXPECT_EQ(Receive(ends.server.get(), 10), "");
  EXPECT_EQ(::send(ends.server.get(), "x", 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
}

// When the kernel hears of a reset is a matter of time; at which byte it is seen must not be.
TEST_F(FaultsTest, AWriterLearnsOfAResetByReading) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.server.get(), "reply", 5, 0), 5);
  ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
  EXPECT_EQ(::send(ends.client.get(), "89", 2, MSG_NOSIGNAL), 2);
  EXPECT_EQ(::write(ends.client.get(), "ab", 2), 2);
  EXPECT_EQ(Receive(ends.client.get(), 10), "reply");
  EXPECT_EQ(::send(ends.client.get(), "cd", 2, MSG_NOSIGNAL), 2);
  EXPECT_EQ(Receive(ends.client.get(), 10), "error " + std::to_string(ECONNRESET));
  EXPECT_EQ(::send(ends.client.get(), "ef", 2, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(FaultsTest, AWriterThatNeverReadsLearnsOfAResetAllTheSame) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
  const std::string bytes(1024, 'x');
  ssize_t sent = 8;
  for (ssize_t moved = 0; moved >= 0 && sent < 1 << 20; sent += std::max<ssize_t>(moved, 0))
    moved = ::send(ends.client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_GE(sent, 64 << 10);
  EXPECT_LT(sent, 128 << 10);
}

// The kernel tells the write that waits, and would tell no read of it any more.
TEST_F(FaultsTest, AWriteThatAResetMeetsLeavesItToTheRead) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
  const Ends ends = Connect();
  const int little = 1;
  ::setsockopt(ends.client.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
  ::setsockopt(ends.server.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
  std::atomic<pid_t> thread = 0;
  std::atomic<bool> stops = false;
  std::thread sender([&] {
    thread = ::gettid();
    while (!stops) EXPECT_EQ(::send(ends.client.get(), "89", 2, MSG_NOSIGNAL), 2) << errno;
  });
  while (thread == 0 || !Sleeps(thread)) std::this_thread::yield();
  EXPECT_EQ(Receive(ends.server.get(), 10), "8989");
  stops = true;
  EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
  sender.join();
  EXPECT_EQ(Receive(ends.client.get(), 10), "error " + std::to_string(ECONNRESET));
}

// The first write is not acknowledged yet, so that Nagle's algorithm keeps the second back; without it the congestion window,
// which has room for ten segments, does.
TEST_F(FaultsTest, WhatWasWrittenGoesBeforeTheReset) {
  for (const int nodelay : {0, 1}) {
    Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
    const Ends ends = Connect();
    ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
    EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
    ::setsockopt(ends.server.get(), IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
    // Past the segments that are acknowledged at once, while the connection is new.
    std::string sent;
    for (int i = 0; i < 100; ++i, sent += "headbody") {
      ASSERT_EQ(::send(ends.server.get(), "head", 4, 0), 4);
      ASSERT_EQ(::send(ends.server.get(), "body", 4, 0), 4);
    }
    EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
    std::string got, piece;
    while (!(piece = Receive(ends.client.get(), 1000)).starts_with("error")) got += piece;
    EXPECT_EQ(got, sent);
  }
}

// Drops each segment that comes to the socket, but for a reset.
void LoseAllButResets(int fd) {
  constexpr uint32_t kFlags = 13, kReset = 4, kWhole = 0xffffffff;  // of a TCP header
  std::array<sock_filter, 4> filter = {{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags),
                                        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kReset, 0, 1),
                                        BPF_STMT(BPF_RET | BPF_K, kWhole),
                                        BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog program = {.len = filter.size(), .filter = filter.data()};
  ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

void LoseNothing(int fd) {
  const int none = 0;
  ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)), 0);
}

// As segments of several processors' queues do, when a thread that sends is moved from one to another.
TEST_F(FaultsTest, AResetDoesNotOvertakeWhatWasWritten) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 4)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
  EXPECT_EQ(Receive(ends.server.get(), 10), "0123");
  LoseAllButResets(ends.client.get());
  ASSERT_EQ(::send(ends.server.get(), "head", 4, 0), 4);
  std::atomic<pid_t> thread = 0;
  std::atomic<bool> is_over = false;
  std::thread resetter([&] {
    thread = ::gettid();
    EXPECT_EQ(Receive(ends.server.get(), 10), "error " + std::to_string(ECONNRESET));
    is_over = true;
  });
  while (!is_over && (thread == 0 || !Sleeps(thread))) std::this_thread::yield();
  LoseNothing(ends.client.get());
  resetter.join();
  EXPECT_EQ(Receive(ends.client.get(), 10), "head");
  EXPECT_EQ(Receive(ends.client.get(), 10), "error " + std::to_string(ECONNRESET));
}

// 0.0.0.0 and ::, by which the server is reached at an address of which the client never heard.
TEST_F(FaultsTest, FollowsWhoConnectsToNoAddress) {
  for (const int family : {AF_INET, AF_INET6}) {
    Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 4)});
    const UniqueFd listener(::socket(family, SOCK_STREAM, 0));
    sockaddr_in6 none{};
    none.sin6_family = static_cast<sa_family_t>(family);
    auto* address = reinterpret_cast<sockaddr*>(&none);
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(none);
    if (::bind(listener.get(), address, size) != 0) continue;  // there is no IPv6 here
    ASSERT_EQ(::listen(listener.get(), 8), 0);
    ::getsockname(listener.get(), address, &size);
    const UniqueFd client(::socket(family, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.get(), address, size), 0);
    const UniqueFd server(::accept(listener.get(), nullptr, nullptr));
    ASSERT_EQ(::send(client.get(), "01234567", 8, 0), 8);
    EXPECT_EQ(Receive(server.get(), 10), "0123");
    EXPECT_EQ(Receive(server.get(), 10), "error " + std::to_string(EINTR));
    EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 4 {\"interrupt\":true}")) << family;
  }
}

// How often this thread has gone to sleep.
int64_t TimesAsleep() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_THREAD, &usage), 0);
  return usage.ru_nvcsw;
}

// The kernel goes on counting what the peer never got. Who waits for it looks again some thousand times.
TEST_F(FaultsTest, AResetWaitsForNothingOfWhatThePeerHasReset) {
  constexpr int kSent = 64 << 10;
  trireme_fault_rule rule = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_RESET), kSent);
  rule.sides = 1;
  for (const bool resets : {true, false}) {
    Begin({rule});
    Ends ends = Connect();
    const int little = 1;
    ::setsockopt(ends.server.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    const std::string bytes(kSent, 'x');
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t some = ::send(ends.client.get(), bytes.data(), bytes.size() - sent, 0);
      ASSERT_GT(some, 0);
      sent += static_cast<size_t>(some);
    }
    if (resets) CloseUnseen(ends.server.Release());
    const int64_t before = TimesAsleep();
    EXPECT_EQ(::send(ends.client.get(), "more", 4, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, ECONNRESET);
    if (resets)
      EXPECT_LT(TimesAsleep() - before, 20);
    else
      EXPECT_GT(TimesAsleep() - before, 20);
  }
}

TEST_F(FaultsTest, AWriteFailsWhereThePeerItselfResets) {
  Begin({At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 100)});
  Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
  ends.server.Reset();  // with eight bytes unread, which is an RST
  EXPECT_EQ(::send(ends.client.get(), "89", 2, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(FaultsTest, ClosesInOrder) {
  Begin({At(OfServer(Rule(TRIREME_CALL_SEND, TRIREME_DO_CLOSE)), 4)});
  const Ends ends = Connect();
  EXPECT_EQ(::send(ends.server.get(), "01234567", 8, MSG_NOSIGNAL), 4);
  EXPECT_EQ(::send(ends.server.get(), "4567", 4, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(Receive(ends.client.get(), 10), "0123");
  EXPECT_EQ(Receive(ends.client.get(), 10), "");
}

// The program closes it with bytes unread, which is an RST, and that drops what Nagle's algorithm and the congestion window
// still keep back.
TEST_F(FaultsTest, WhatWasWrittenGoesBeforeTheClose) {
  for (const int nodelay : {0, 1}) {
    Begin({At(OfServer(Rule(TRIREME_CALL_SEND, TRIREME_DO_CLOSE)), 800)});
    Ends ends = Connect();
    ASSERT_EQ(::send(ends.client.get(), "01234567", 8, 0), 8);
    EXPECT_EQ(Receive(ends.server.get(), 4), "0123");
    ::setsockopt(ends.server.get(), IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
    std::string sent;
    for (int i = 0; i < 100; ++i, sent += "headbody") {
      ASSERT_EQ(::send(ends.server.get(), "head", 4, 0), 4);
      ASSERT_EQ(::send(ends.server.get(), "body", 4, 0), 4);
    }
    EXPECT_EQ(::send(ends.server.get(), "more", 4, MSG_NOSIGNAL), -1);
    ends.server.Reset();
    std::string got, piece;
    while (!(piece = Receive(ends.client.get(), 1000)).empty() && !piece.starts_with("error"))
      got += piece;
    EXPECT_EQ(got, sent);
  }
}

TEST_F(FaultsTest, DecidesByTheConnectionAndNotByTheOrderOfCalls) {
  trireme_fault_rule rule = OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT));
  rule.when = TRIREME_WHEN_CHANCE;
  rule.chance = ~uint64_t{0} / 2;
  const auto run = [&](size_t piece, bool backwards) {
    Begin({rule});
    std::array<Ends, 2> both = {Connect(), Connect()};
    for (size_t i = 0; i < both.size(); ++i) {
      const Ends& ends = both.at(backwards ? 1 - i : i);
      const std::string bytes(1000, 'x');
      EXPECT_EQ(::send(ends.client.get(), bytes.data(), bytes.size(), 0), 1000);
      ::shutdown(ends.client.get(), SHUT_WR);
      while (!Receive(ends.server.get(), piece).empty()) continue;
    }
    std::vector<std::string> faults = Faults();
    std::sort(faults.begin(), faults.end());
    return faults;
  };
  const std::vector<std::string> once = run(7, false);
  EXPECT_GT(once.size(), 8u);
  EXPECT_EQ(run(100, true), once);
}

TEST_F(FaultsTest, HitsOnlyConnectionsThatTheGlobNames) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 0);
  std::strcpy(rule.connection, "client-*#1");  // NOLINT: it fits
  Begin({rule});
  StartTask(2, "1.1", "client-a");
  for (int i = 0; i < 3; ++i) {
    const Ends ends = Connect();
    ASSERT_EQ(::send(ends.client.get(), "x", 1, 0), 1);
    EXPECT_EQ(Receive(ends.server.get(), 1), i == 1 ? "error " + std::to_string(EINTR) : "x");
  }
  EXPECT_THAT(Faults(), ElementsAre("recv 1.1#1 server read 0 {\"interrupt\":true}"));
}

TEST_F(FaultsTest, HoldsBackWhatDoesNotBlock) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_DELAY)), 0);
  rule.amount = 30'000'000;
  Begin({rule});
  const Ends ends = Connect(SOCK_NONBLOCK);
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.fd = ends.server.get()}};
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ends.server.get(), &event), 0);
  ASSERT_EQ(::send(ends.client.get(), "x", 1, 0), 1);
  const uint64_t begin = FaultsApi().now();
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_EQ(Receive(ends.server.get(), 1), "error " + std::to_string(EAGAIN));
  // Not ready before the time is over, by no way of asking; then it is again. On a busy machine it may be over by now.
  const auto is_held = [&] { return FaultsApi().now() - begin < rule.amount; };
  const int told = ::epoll_wait(epoll.get(), &event, 1, 0);
  EXPECT_TRUE(told == 0 || !is_held());
  pollfd polled{.fd = ends.server.get(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&polled, 1, 0);
  EXPECT_TRUE(ready == 0 || !is_held());
  EXPECT_EQ(polled.fd, ends.server.get());
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_GE(FaultsApi().now() - begin, rule.amount);
  EXPECT_EQ(Receive(ends.server.get(), 1), "x");
}

// Of a descriptor that is held back for an hour and another plan lets go; then it is held for a moment.
TEST_F(FaultsTest, AnotherPlanLetsGoWhatIsHeldBackWithoutAnotherThread) {
  trireme_fault_rule hour = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_DELAY)), 0);
  hour.amount = 3'600'000'000'000;
  trireme_fault_rule moment = hour;
  moment.amount = 1'000'000;
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<Ends> ends;
  std::vector<size_t> threads;
  for (const trireme_fault_rule& rule : {hour, moment}) {
    Begin({rule});
    ends.push_back(Connect(SOCK_NONBLOCK));
    const int fd = ends.back().server.get();
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event), 0);
    ASSERT_EQ(::send(ends.back().client.get(), "x", 1, 0), 1);
    pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&polled, 1, -1), 1);
    EXPECT_EQ(Receive(fd, 1), "error " + std::to_string(EAGAIN));
    threads.push_back(ListDirectory("/proc/self/task").size());
  }
  EXPECT_EQ(threads[0], threads[1]);
  epoll_event event{};
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_EQ(event.data.fd, ends[0].server.get());
}

TEST_F(FaultsTest, PollWaitsUntilWhatIsHeldBackComesFree) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_STALL)), 0);
  rule.amount = 20'000'000;
  Begin({rule});
  const Ends ends = Connect(SOCK_NONBLOCK);
  ASSERT_EQ(::send(ends.client.get(), "x", 1, 0), 1);
  const uint64_t begin = FaultsApi().now();
  pollfd polled{.fd = ends.server.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&polled, 1, -1), 1);
  EXPECT_EQ(Receive(ends.server.get(), 1), "error " + std::to_string(EAGAIN));
  ASSERT_EQ(::poll(&polled, 1, -1), 1);
  EXPECT_EQ(polled.revents, POLLIN);
  EXPECT_GE(FaultsApi().now() - begin, rule.amount);
  EXPECT_EQ(Receive(ends.server.get(), 1), "x");
}

// An edge-triggered set says only once that a descriptor is ready: a read that was cut short must not lose what is left.
TEST_F(FaultsTest, SaysAgainWhatIsLeftInAnEdgeTriggeredSet) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 0);
  rule.amount = 1;
  Begin({rule});
  const Ends ends = Connect(SOCK_NONBLOCK);
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = ends.server.get()}};
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ends.server.get(), &event), 0);
  ASSERT_EQ(::send(ends.client.get(), "xyz", 3, 0), 3);
  ASSERT_EQ(::epoll_wait(epoll.get(), &event, 1, -1), 1);
  EXPECT_EQ(Receive(ends.server.get(), 10), "x");
  EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 1);
  EXPECT_EQ(Receive(ends.server.get(), 10), "yz");
  EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 0);
}

TEST_F(FaultsTest, FailsALookUp) {
  Begin({Error(TRIREME_CALL_GETADDRINFO, EAI_AGAIN)});
  addrinfo* found = nullptr;
  EXPECT_EQ(::getaddrinfo("localhost", "80", nullptr, &found), EAI_AGAIN);
  ASSERT_EQ(::getaddrinfo("127.0.0.1", "80", nullptr, &found), 0);
  ::freeaddrinfo(found);
  EXPECT_THAT(Faults(), ElementsAre("getaddrinfo 1 client  0 {\"error\":\"EAI_AGAIN\"}"));
}

TEST_F(FaultsTest, RecordsEachErrorByItsName) {
  addrinfo* found = nullptr;
  for (const ErrorName& error : ErrorNames()) {
    if (error.name == "EWOULDBLOCK") continue;  // another name of EAGAIN
    Begin({Error(error.resolver ? TRIREME_CALL_GETADDRINFO : TRIREME_CALL_FSYNC, error.code)});
    EXPECT_NE(error.resolver ? ::getaddrinfo("localhost", "80", nullptr, &found) : ::fsync(0), 0);
    EXPECT_THAT(Faults(), ElementsAre(EndsWith("{\"error\":\"" + std::string(error.name) + "\"}")));
  }
}

TEST_F(FaultsTest, FollowsACopyAndAForkedChild) {
  trireme_fault_rule rule = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 2);
  Begin({rule});
  const Ends ends = Connect();
  const UniqueFd copy(::dup(ends.server.get()));
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(copy.get(), 1), "0");
  const pid_t child = ::fork();
  if (child == 0) {
    const bool right = Receive(ends.server.get(), 9) == "1" &&
                       Receive(ends.server.get(), 9) == "error " + std::to_string(EINTR);
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Receive(copy.get(), 9), "23");
}

TEST_F(FaultsTest, RecordsTheBytesOfTheWire) {
  Begin({}, TRIREME_PLAN_WIRE);
  Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "ab", 2, 0), 2);
  ASSERT_EQ(::send(ends.client.get(), "c", 1, 0), 1);
  EXPECT_EQ(Receive(ends.server.get(), 1), "a");
  EXPECT_EQ(Receive(ends.server.get(), 9), "bc");
  ends.client.Reset();
  EXPECT_EQ(Receive(ends.server.get(), 9), "");
  Result<History> history = History::Read(path_);
  ASSERT_TRUE(history.ok());
  std::vector<std::string> wire;
  for (const Event& event : history->events())
    if (event.kind == EventKind::kWire)
      wire.push_back(std::string(event.key) + " " + DumpJson(event.Value()));
  EXPECT_THAT(wire, ElementsAre("client write \"YWI=\"", "client write \"Yw==\"",
                                "server read \"YQ==\"", "server read \"YmM=\"", "server read 0"));
}

// Two that no address leads to, made at once: each is closed as itself.
TEST_F(FaultsTest, TakesNoPairForAnotherThatIsMadeMeanwhile) {
  Begin({Rule(TRIREME_CALL_ACCEPT, TRIREME_DO_INTERRUPT)});
  constexpr int kThreads = 2, kRounds = 3000;
  std::barrier together(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        together.arrive_and_wait();
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
        const UniqueFd first(pair[0]), second(pair[1]);
        together.arrive_and_wait();
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::map<uint64_t, int> opened, closed;
  const Result<History> history = History::Read(path_);
  ASSERT_TRUE(history.ok());
  for (const Event& event : history->events()) {
    if (event.kind != EventKind::kConnection) continue;
    if (event.key != "opened")
      ++closed[event.id];
    else if (GetString(event.Value(), "kind") == "pair")  // a sanitizer has pipes of its own
      ++opened[event.id];
  }
  EXPECT_EQ(opened.size(), size_t{kThreads * kRounds});
  std::erase_if(closed, [&](const auto& one) { return !opened.contains(one.first); });
  EXPECT_EQ(closed, opened);
}

TEST_F(FaultsTest, LimitsHowOftenOnAConnectionAndInTheTrial) {
  trireme_fault_rule limited = OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT));
  limited.limit = 2;
  limited.total = 3;
  Begin({limited});
  int interrupted = 0;
  for (int i = 0; i < 2; ++i) {
    const Ends ends = Connect();
    ASSERT_EQ(::send(ends.client.get(), "012345", 6, 0), 6);
    for (int got = 0; got < 6;) {
      const std::string bytes = Receive(ends.server.get(), 1);
      bytes.size() == 1 ? ++got : ++interrupted;
    }
  }
  EXPECT_EQ(interrupted, 3);
}

// What was due as well is said where it came to nothing, and only there.
TEST_F(FaultsTest, SaysWhatAnEndLeftNoPlaceFor) {
  trireme_fault_rule reset = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_RESET)), 2);
  trireme_fault_rule cut = OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT));
  cut.amount = 2;
  trireme_fault_rule closed = OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_CLOSE));
  closed.when = TRIREME_WHEN_EVERY;
  closed.at = 2;
  trireme_fault_rule later = At(closed, 3);
  trireme_fault_rule used_up = cut;
  used_up.total = 1;
  reset.name[0] = 'r', closed.name[0] = 'c', cut.name[0] = 's', later.name[0] = 'l';
  Begin({reset, closed, later, used_up, cut});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(ends.server.get(), 4), "01");
  EXPECT_EQ(Receive(ends.server.get(), 4), "error " + std::to_string(ECONNRESET));
  std::vector<std::string> said;
  for (const Json& fault : Values(EventKind::kFault))
    said.push_back(DumpJson(GetMember(fault, "do")) + DumpJson(GetMember(fault, "instead_of")));
  EXPECT_THAT(said, ElementsAre("{\"short\":2}null", "{\"reset\":true}[\"c\",\"s\"]"));
}

// Who is told to try again was not hit: the call that moves something is.
TEST_F(FaultsTest, CountsNoTransferThatMovedNothing) {
  trireme_fault_rule cut = Rule(TRIREME_CALL_SEND, TRIREME_DO_SHORT);
  cut.amount = 2;
  for (const bool on_connection : {true, false}) {
    cut.limit = on_connection ? 1 : 0;
    cut.total = on_connection ? 0 : 1;
    Begin({cut});
    const Ends ends = Connect();
    const std::string bytes(size_t{1} << 16, 'a');
    while (::syscall(SYS_sendto, ends.client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                     nullptr, 0) > 0) {
    }
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(::send(ends.client.get(), "0123", 4, MSG_DONTWAIT), -1);
    EXPECT_THAT(Faults(), IsEmpty());
    std::string read(size_t{1} << 20, '\0');
    while (::syscall(SYS_recvfrom, ends.server.get(), read.data(), read.size(), MSG_DONTWAIT,
                     nullptr, nullptr) > 0) {
    }
    EXPECT_EQ(::send(ends.client.get(), "0123", 4, 0), 2);
    EXPECT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
    EXPECT_EQ(Faults().size(), 1U);
  }
}

// Nor one that the trial's limit kept from it, on a connection whose own was not yet reached.
TEST_F(FaultsTest, CountsNothingOnAConnectionThatTheTrialsLimitKeptAway) {
  trireme_fault_rule limited = OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT));
  limited.limit = 4;
  limited.total = 1;
  // A second rule that counts in the same place shows what was counted there.
  trireme_fault_rule other = limited;
  other.total = 0;
  other.fault = 2;
  Begin({limited, other});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  int interrupted = 0;
  for (int got = 0; got < 4;) {
    const std::string bytes = Receive(ends.server.get(), 1);
    bytes.size() == 1 ? ++got : ++interrupted;
  }
  EXPECT_EQ(interrupted, 4);
}

TEST_F(FaultsTest, CountsEachLimitOnAConnectionByItself) {
  std::vector<trireme_fault_rule> rules(33, Error(TRIREME_CALL_GETADDRINFO, EAI_AGAIN));
  rules.front() = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_INTERRUPT)), 0);
  rules.back() = At(rules.front(), 1);
  rules.front().limit = rules.back().limit = 1;
  rules.back().counter = 1;
  Begin(rules);
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "01", 2, 0), 2);
  const std::string interrupted = "error " + std::to_string(EINTR);
  for (const std::string& expected : {interrupted, std::string("0"), interrupted, std::string("1")})
    EXPECT_EQ(Receive(ends.server.get(), 1), expected);
}

}  // namespace
}  // namespace trireme
