// What a plan does to connections that are made and accepted.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ConnectFaultsTest : public SocketFaultsFixture {};

TEST_F(ConnectFaultsTest, RefusesTheFirstConnectionOfATask) {
  Begin({At(Error(TRIREME_CALL_CONNECT, ECONNREFUSED), 0)});
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(9);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_THAT(Faults(), ElementsAre("connect 1#0 client  0 {\"error\":\"ECONNREFUSED\"}"));
  const Ends ends = Connect();
  EXPECT_EQ(::send(ends.client.get(), "x", 1, 0), 1);
}

// A shell makes some, and so do libraries.
TEST_F(ConnectFaultsTest, APipeMovesNoNumberOfAConnection) {
  trireme_fault_rule cut = At(Rule(TRIREME_CALL_READ, TRIREME_DO_SHORT), 0);
  cut.amount = 1;
  Begin({At(Error(TRIREME_CALL_CONNECT, ECONNREFUSED), 1), cut});
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reads(pipe[0]), writes(pipe[1]);
  EXPECT_EQ(::write(writes.get(), "four", 4), 4);
  std::array<char, 4> text{};
  EXPECT_EQ(::read(reads.get(), text.data(), text.size()), 1);
  const Ends ends = Connect();
  EXPECT_THAT(Faults(), ElementsAre("read 1#p0 client read 0 {\"short\":1}"));
}

// A descriptor that tries again is another connection, of whatever family.
TEST_F(ConnectFaultsTest, CountsAConnectAfterOneThatFailedByItself) {
  sockaddr_un nobody{.sun_family = AF_UNIX, .sun_path = {}};
  std::snprintf(nobody.sun_path, sizeof(nobody.sun_path), "%s.none", path_.c_str());
  sockaddr_in refusing{};
  socklen_t size = sizeof(refusing);
  const UniqueFd bound(::socket(AF_INET, SOCK_STREAM, 0));  // and does not listen
  refusing.sin_family = AF_INET;
  refusing.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(bound.get(), reinterpret_cast<sockaddr*>(&refusing), size), 0);
  ::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&refusing), &size);
  struct Try {
    int type;
    const sockaddr* to;
    socklen_t size;
    int error;
  };
  const auto* path = reinterpret_cast<const sockaddr*>(&nobody);
  for (const Try& each :
       {Try{SOCK_STREAM, reinterpret_cast<sockaddr*>(&refusing), size, ECONNREFUSED},
        Try{SOCK_STREAM, path, sizeof(nobody), ENOENT},
        Try{SOCK_SEQPACKET, path, sizeof(nobody), ENOENT}}) {
    Begin({At(Error(TRIREME_CALL_CONNECT, ETIMEDOUT), 1)});
    const UniqueFd client(::socket(each.to->sa_family, each.type, 0));
    std::vector<int> errors;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(::connect(client.get(), each.to, each.size), -1);
      errors.push_back(errno);
    }
    EXPECT_THAT(errors, ElementsAre(each.error, ETIMEDOUT, each.error));
  }
}

TEST_F(ConnectFaultsTest, AnInterruptedConnectGoesOnBeingMade) {
  for (const trireme_fault_rule& rule : {Rule(TRIREME_CALL_CONNECT, TRIREME_DO_INTERRUPT),
                                         Error(TRIREME_CALL_CONNECT, EINTR)}) {
    Begin({rule});
    const Listening to;
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(to.ConnectWith(client), EINTR);
    EXPECT_EQ(::fcntl(client.get(), F_GETFL) & O_NONBLOCK, 0);
    pollfd writable{.fd = client.get(), .events = POLLOUT, .revents = 0};
    ASSERT_EQ(::poll(&writable, 1, 10'000), 1);
    EXPECT_EQ(writable.revents, POLLOUT);
    const UniqueFd server(::accept(to.fd.get(), nullptr, nullptr));
    ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
    EXPECT_EQ(Receive(server.get(), 9), "hello");
    EXPECT_EQ(Faults().size(), 1U);
  }
}

TEST_F(ConnectFaultsTest, DoesNotInterruptAConnectThatDoesNotWait) {
  Begin({Rule(TRIREME_CALL_CONNECT, TRIREME_DO_INTERRUPT)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(to.ConnectWith(client), EINPROGRESS);
  EXPECT_THAT(Faults(), IsEmpty());
}

// A program that lets the socket wait knows no such answer.
TEST_F(ConnectFaultsTest, TellsOnlyWhoDoesNotWaitToTryAgain) {
  for (const int extra : {0, int{SOCK_NONBLOCK}}) {
    Begin({Error(TRIREME_CALL_CONNECT, EAGAIN), At(Error(TRIREME_CALL_ACCEPT, EAGAIN), 0)});
    const Listening to;
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | extra, 0));
    EXPECT_EQ(to.ConnectWith(client), extra == 0 ? 0 : EAGAIN);
    const UniqueFd other(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(to.ConnectWith(other), 0);
    ASSERT_EQ(::fcntl(to.fd.get(), F_SETFL, extra), 0);
    const UniqueFd server(::accept(to.fd.get(), nullptr, nullptr));
    EXPECT_EQ(server.valid(), extra == 0);
    EXPECT_EQ(Faults().size(), extra == 0 ? 0U : 2U);
  }
}

trireme_fault_rule LateConnect(uint64_t nanoseconds) {
  trireme_fault_rule rule = Rule(TRIREME_CALL_CONNECT, TRIREME_DO_DELAY);
  rule.amount = nanoseconds;
  return rule;
}

// A loop would stand still otherwise.
TEST_F(ConnectFaultsTest, ALateConnectThatDoesNotBlockIsReadyLate) {
  Begin({LateConnect(5'000'000'000)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(to.ConnectWith(client), EINPROGRESS);
  pollfd writable{.fd = client.get(), .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&writable, 1, 0), 0);
  EXPECT_EQ(::send(client.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_THAT(Faults(), ElementsAre("connect 1#0 client  0 {\"delay\":5.0}"));
}

TEST_F(ConnectFaultsTest, ALateConnectIsReadyInTheEnd) {
  Begin({LateConnect(20'000'000)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(to.ConnectWith(client), EINPROGRESS);
  pollfd writable{.fd = client.get(), .events = POLLOUT, .revents = 0};
  ASSERT_EQ(::poll(&writable, 1, 10'000), 1);
  EXPECT_EQ(::send(client.get(), "x", 1, 0), 1);
  const UniqueFd blocking(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(to.ConnectWith(blocking), 0);
  EXPECT_EQ(Faults().size(), 2U);
}

int ErrorOf(const UniqueFd& fd) {
  int error = -1;
  socklen_t size = sizeof(error);
  EXPECT_EQ(::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
  EXPECT_EQ(size, sizeof(error));
  return error;
}

// Both that the plan says of it.
TEST_F(ConnectFaultsTest, AConnectThatDoesNotBlockFailsLate) {
  Begin({LateConnect(5'000'000'000), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(to.ConnectWith(client), EINPROGRESS);
  pollfd writable{.fd = client.get(), .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&writable, 1, 0), 0);
  EXPECT_EQ(ErrorOf(client), 0);
  EXPECT_EQ(to.ConnectWith(client), EALREADY);
  EXPECT_EQ(::send(client.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_THAT(Faults(), ElementsAre("connect 1#0 client  0 {\"delay\":5.0}",
                                    "connect 1#0 client  0 {\"error\":\"ECONNREFUSED\"}"));
}

TEST_F(ConnectFaultsTest, TellsOnceHowALateConnectFailed) {
  const auto by_transfer = [](const UniqueFd& fd) {
    EXPECT_EQ(::send(fd.get(), "x", 1, 0), -1);
    return errno;
  };
  const Listening to;
  const auto by_connect = [&](const UniqueFd& fd) { return to.ConnectWith(fd); };
  const std::vector<std::function<int(const UniqueFd&)>> ways = {ErrorOf, by_transfer, by_connect};
  for (const auto& ask : ways) {
    trireme_fault_rule refused = Error(TRIREME_CALL_CONNECT, ECONNREFUSED);
    refused.total = 1;
    Begin({LateConnect(20'000'000), refused});
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ASSERT_EQ(to.ConnectWith(client), EINPROGRESS);
    epoll_event event{};
    event.events = EPOLLOUT;
    const UniqueFd set(::epoll_create1(0));
    ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, client.get(), &event), 0);
    ASSERT_EQ(::epoll_wait(set.get(), &event, 1, 10'000), 1);
    EXPECT_EQ(ask(client), ECONNREFUSED);
    EXPECT_EQ(ErrorOf(client), 0);
    // Another try is another connection, and the fault was for one.
    EXPECT_EQ(to.ConnectWith(client), EINPROGRESS);
    ASSERT_EQ(::epoll_wait(set.get(), &event, 1, 10'000), 1);
    EXPECT_EQ(ErrorOf(client), 0);
    EXPECT_EQ(::send(client.get(), "x", 1, 0), 1);
  }
}

// Whichever descriptor asks; and each of them is ready late.
TEST_F(ConnectFaultsTest, ALateErrorIsToldToACopyOfTheDescriptor) {
  for (const bool to_the_copy : {true, false}) {
    Begin({LateConnect(20'000'000), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
    const Listening to;
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ASSERT_EQ(to.ConnectWith(client), EINPROGRESS);
    const UniqueFd copy(::dup(client.get()));
    EXPECT_EQ(ErrorOf(copy), 0) << "not yet";
    pollfd ready{.fd = copy.get(), .events = POLLOUT, .revents = 0};
    ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
    EXPECT_EQ(ErrorOf(to_the_copy ? copy : client), ECONNREFUSED);
    EXPECT_EQ(ErrorOf(to_the_copy ? client : copy), 0) << "once";
  }
}

TEST_F(ConnectFaultsTest, ALateErrorOutlivesTheDescriptorThatConnected) {
  Begin({LateConnect(20'000'000), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
  const Listening to;
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(to.ConnectWith(client), EINPROGRESS);
  const UniqueFd copy(::dup(client.get()));
  client.Reset();
  pollfd ready{.fd = copy.get(), .events = POLLOUT, .revents = 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  EXPECT_EQ(ErrorOf(copy), ECONNREFUSED);
}

TEST_F(ConnectFaultsTest, SaysWhichOfTwoErrorsStands) {
  trireme_fault_rule other = Error(TRIREME_CALL_CONNECT, ETIMEDOUT);
  other.name[0] = 'o';
  Begin({Error(TRIREME_CALL_CONNECT, ECONNREFUSED), At(other, 0), At(other, 1)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(to.ConnectWith(client), ECONNREFUSED);
  const std::vector<Json> faults = Values(EventKind::kFault);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(GetMember(faults[0], "instead_of"), Json::array({"o"}));
}

// Who waits for it is late and fails in the call; what the kernel does at once fails at once.
TEST_F(ConnectFaultsTest, AConnectThatBlocksFailsInTheCall) {
  Begin({LateConnect(1'000'000), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(to.ConnectWith(client), ECONNREFUSED);
  EXPECT_EQ(ErrorOf(client), 0);
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(::connect(local.get(), reinterpret_cast<sockaddr*>(&path), sizeof(path)), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

// Another plan knows nothing of it, nor does another file of the number.
TEST_F(ConnectFaultsTest, ALateErrorEndsWithItsPlanAndItsDescriptor) {
  const Listening to;
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Begin({LateConnect(1), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
  ASSERT_EQ(to.ConnectWith(client), EINPROGRESS);
  Begin({LateConnect(1), Error(TRIREME_CALL_CONNECT, ECONNREFUSED)});
  EXPECT_EQ(ErrorOf(client), 0);
  ASSERT_EQ(to.ConnectWith(client), EINPROGRESS);
  const int number = client.get();
  client.Reset();
  client.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(client.get(), number);
  EXPECT_EQ(ErrorOf(client), 0);
}

// FIN and no RST: the peer reads the end.
TEST_F(ConnectFaultsTest, AnAcceptedConnectionIsClosedInOrder) {
  Begin({Rule(TRIREME_CALL_ACCEPT, TRIREME_DO_CLOSE)});
  const Listening to;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(to.ConnectWith(client), 0);
  const UniqueFd server(::accept(to.fd.get(), nullptr, nullptr));
  ASSERT_TRUE(server.valid());
  char byte;
  EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 0);
  EXPECT_EQ(::recv(server.get(), &byte, 1, 0), 0);
  EXPECT_EQ(::send(server.get(), "x", 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
}

// As of bytes: with such a chance a connection comes between the look for one and the call.
// Whether it is accepted before or after that, no scheduler decides which faults it suffers.
TEST_F(ConnectFaultsTest, KnowsAConnectionThatWasResetBeforeItWasAccepted) {
  trireme_fault_rule read = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 2);
  read.amount = 1;
  for (const bool asks : {false, true}) {
    for (const bool is_reset : {false, true}) {
      trireme_fault_rule reset = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_RESET), is_reset ? 4 : 100);
      reset.sides = 1;
      Begin({reset, read});
      const Listening listening;
      const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
      ASSERT_EQ(listening.ConnectWith(client), 0);
      ASSERT_EQ(::send(client.get(), "0123", 4, 0), 4);
      EXPECT_EQ(::send(client.get(), "4", 1, MSG_NOSIGNAL), is_reset ? -1 : 1);
      sockaddr_storage peer{};
      socklen_t size = sizeof(peer);
      const UniqueFd server(::accept(listening.fd.get(),
                                     asks ? reinterpret_cast<sockaddr*>(&peer) : nullptr,
                                     asks ? &size : nullptr));
      EXPECT_EQ(size, asks ? sizeof(sockaddr_in) : sizeof(peer));
      EXPECT_EQ(Receive(server.get(), 10), "01");
      EXPECT_EQ(Receive(server.get(), 10), "2");
      std::vector<std::string> faults = Faults();
      EXPECT_EQ(faults.back(), "recv 1#0 server read 2 {\"short\":1}");
    }
  }
}

// Less room than the address needs is the caller's affair.
TEST_F(ConnectFaultsTest, KnowsAConnectionWhoseCallerHasNoRoomForItsAddress) {
  trireme_fault_rule read = At(OfServer(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT)), 2);
  read.amount = 1;
  Begin({read});
  const Listening listening;
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(listening.ConnectWith(client), 0);
  ASSERT_EQ(::send(client.get(), "0123", 4, 0), 4);
  sockaddr little{};
  socklen_t size = 2;
  const UniqueFd server(::accept(listening.fd.get(), &little, &size));
  EXPECT_EQ(size, sizeof(sockaddr_in));
  EXPECT_EQ(Receive(server.get(), 10), "01");
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(Receive(server.get(), 10), "2");
  EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 2 {\"short\":1}"));
}

TEST_F(ConnectFaultsTest, HitsAConnectionThatComesWhileItIsLookedFor) {
  constexpr int kConnections = 100;
  Begin({Error(TRIREME_CALL_ACCEPT, EMFILE)});
  int hit = 0;
  for (int i = 0; i < kConnections; ++i) {
    const Listening listening;
    ::fcntl(listening.fd.get(), F_SETFL, O_NONBLOCK);
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    std::thread connector([&] { EXPECT_EQ(listening.ConnectWith(client), 0); });
    UniqueFd got;
    do {
      got.Reset(::accept(listening.fd.get(), nullptr, nullptr));
    } while (!got.valid() && errno == EAGAIN);
    hit += !got.valid() && errno == EMFILE ? 1 : 0;
    connector.join();
  }
  EXPECT_EQ(hit, kConnections);
}

// The second of each listener: a number that is given again is another one.
TEST_F(ConnectFaultsTest, CountsAcceptsOfEachListenerFromTheFirst) {
  Begin({At(Error(TRIREME_CALL_ACCEPT, EMFILE), 1)});
  for (int i = 0; i < 2; ++i) {
    const Listening listening;
    for (const bool accepted : {true, false}) {
      const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(listening.ConnectWith(client), 0);
      const UniqueFd got(::accept(listening.fd.get(), nullptr, nullptr));
      EXPECT_EQ(got.valid(), accepted) << "listener " << i;
    }
  }
}

// All wait for the same one when it comes, and one takes it. The fourth fails: not before there is a fourth.
TEST_F(ConnectFaultsTest, CountsAConnectionOnceHoweverManyThreadsWaitForIt) {
  constexpr int kRounds = 50, kThreads = 4;
  Begin({At(Error(TRIREME_CALL_ACCEPT, EMFILE), kThreads - 1)});
  for (int round = 0; round < kRounds; ++round) {
    const Listening listening;
    std::atomic<int> accepted = 0, failed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        const UniqueFd got(::accept(listening.fd.get(), nullptr, nullptr));
        ++(got.valid() ? accepted : failed);
      });
    std::vector<UniqueFd> clients;
    const auto connect = [&] {
      clients.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(listening.ConnectWith(clients.back()), 0);
    };
    for (int i = 1; i < kThreads; ++i) connect();
    while (accepted + failed < kThreads - 1) std::this_thread::yield();
    EXPECT_EQ(failed, 0) << "round " << round;
    connect();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failed, 1) << "round " << round;
  }
}

// The same of processes that a server forked before it accepts, whichever of them come first.
TEST_F(ConnectFaultsTest, CountsAConnectionOnceHoweverManyProcessesWaitForIt) {
  constexpr int kRounds = 20, kProcesses = 4;
  Begin({At(Error(TRIREME_CALL_ACCEPT, EMFILE), kProcesses - 1)});
  for (int round = 0; round < kRounds; ++round) {
    const Listening listening;
    for (int i = 0; i < kProcesses; ++i) {
      if (::fork() != 0) continue;
      const UniqueFd got(::accept(listening.fd.get(), nullptr, nullptr));
      ::_exit(got.valid() ? 0 : errno);
    }
    std::vector<UniqueFd> clients;
    for (int i = 0; i < kProcesses; ++i) {
      clients.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(listening.ConnectWith(clients.back()), 0);
      int status = -1;
      EXPECT_GT(::wait(&status), 0);
      EXPECT_EQ(WEXITSTATUS(status), i == kProcesses - 1 ? EMFILE : 0) << "round " << round;
    }
  }
}

// What a process counted stays counted when it is gone; and another listener is another one.
TEST_F(ConnectFaultsTest, CountsAcceptsOfAListenerAndNotOfAnother) {
  Begin({At(Error(TRIREME_CALL_ACCEPT, EMFILE), 1)});
  const auto accepts = [](const Listening& listening) {
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(listening.ConnectWith(client), 0);
    return UniqueFd(::accept(listening.fd.get(), nullptr, nullptr)).valid();
  };
  const Listening listening, other;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(accepts(listening) ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(accepts(listening));
  EXPECT_TRUE(accepts(other));
}

// Else who makes an interrupted call again, as Python does, would never come further.
TEST_F(ConnectFaultsTest, LetsACallThroughThatIsMadeAgain) {
  for (const trireme_fault_rule& rule :
       {Rule(TRIREME_CALL_ACCEPT, TRIREME_DO_INTERRUPT), Error(TRIREME_CALL_ACCEPT, EAGAIN)}) {
    Begin({rule});
    const Listening listening;
    ASSERT_EQ(::fcntl(listening.fd.get(), F_SETFL, O_NONBLOCK), 0);
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    const UniqueFd other(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(listening.ConnectWith(client), 0);
    EXPECT_EQ(listening.ConnectWith(other), 0);
    for (const bool accepted : {false, true, false, true}) {
      const UniqueFd got(::accept(listening.fd.get(), nullptr, nullptr));
      EXPECT_EQ(got.valid(), accepted);
    }
  }
  Begin({Rule(TRIREME_CALL_FSYNC, TRIREME_DO_INTERRUPT)});
  for (const bool interrupted : {true, false, true}) {
    errno = 0;
    (void)::fsync(-1);
    EXPECT_EQ(errno == EINTR, interrupted);
  }
}

TEST_F(ConnectFaultsTest, AcceptFailsOnceAndTheConnectionStays) {
  Begin({At(Error(TRIREME_CALL_ACCEPT, EMFILE), 0)});
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "trireme-faults-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::accept(listener.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EMFILE);
  const UniqueFd server(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(server.valid());
  ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
  EXPECT_EQ(Receive(server.get(), 9), "hello");
  // Both ends know each other by the name that the client was given.
  std::vector<std::string> opened;
  for (const Json& connection : Values(EventKind::kConnection))
    if (GetString(connection, "kind") == "unix")  // a sanitizer has pipes of its own
      opened.push_back(GetString(connection, "connection") + " " + GetString(connection, "side"));
  EXPECT_THAT(opened, ElementsAre("1#0 client", "1#0 server"));
}

}  // namespace
}  // namespace trireme
