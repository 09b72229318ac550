// Signal handlers that read, while their thread is inside a read.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/unique_fd.h"
#include "harness/probe/probe_abi.h"
#include "tests/harness/probe/waits_case.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::atomic<int> handled_fd{-1};    // what the handler reads, until there is no more
std::atomic<int> handled_reads{0};  // how often it did
std::atomic<bool> handler_waits{false};
sigjmp_buf before_the_call;

void ReadInHandler(int /*signal*/) {
  const int error = errno;
  std::array<char, 8> bytes{};
  while (::read(handled_fd, bytes.data(), bytes.size()) > 0 && !handler_waits) {
  }
  ++handled_reads;
  errno = error;
}

void LeaveTheCall(int /*signal*/) { ::siglongjmp(before_the_call, 1); }

class SignalHandlersTest : public WaitsTest {
 protected:
  void SetUp() override {
    WaitsTest::SetUp();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    wakeup_.Reset(ends[0]);
    waker_.Reset(ends[1]);
    handled_fd = wakeup_.get();
    handled_reads = 0;
    handler_waits = false;
    Handle(ReadInHandler);
  }
  void TearDown() override {
    ::signal(SIGUSR1, SIG_DFL);
    WaitsTest::TearDown();
  }

  // Calls that it interrupts go on afterwards.
  static void Handle(void (*handler)(int), int flags = SA_RESTART) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
  }
  void Wake() const { ASSERT_EQ(::write(waker_.get(), "x", 1), 1); }
  static void AwaitHandler(int count = 1) {
    while (handled_reads < count) std::this_thread::yield();
  }
  // A thread is in its read of `ours_` again, after a handler in it has read.
  void Interrupt(const Sleeper& reader) const {
    reader.AwaitSleep(SYS_recvfrom);
    reader.Signal(SIGUSR1);
    AwaitHandler();
    reader.AwaitSleep(SYS_recvfrom);
  }
  // Another reader comes, and the first one is let go.
  void MeetAndEnd() const {
    FindNothing(ours_.get());
    EXPECT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  }

  UniqueFd wakeup_, waker_;
};

TEST_F(SignalHandlersTest, AThreadStillWaitsAfterItsHandlerReadAPipe) {
  Wake();
  {
    const Sleeper reader([&] { EXPECT_EQ(ReadByte(ours_.get()), 'x'); });
    Interrupt(reader);
    MeetAndEnd();
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(SignalHandlersTest, AHandlerMayReadWhatItsThreadReads) {
  ASSERT_EQ(::fcntl(ours_.get(), F_SETFL, O_RDWR), 0);
  const UniqueFd copy(::dup(ours_.get()));
  {
    const Sleeper reader([&] { EXPECT_EQ(ReadByte(ours_.get()), 'x'); });
    reader.AwaitSleep(SYS_recvfrom);
    handled_fd = copy.get();
    handler_waits = true;  // it blocks, in the object that its thread is blocked in
    reader.Signal(SIGUSR1);
    reader.AwaitSleep(SYS_read);
    EXPECT_EQ(::send(theirs_.get(), "h", 1, 0), 1);
    AwaitHandler();
    reader.AwaitSleep(SYS_recvfrom);
    EXPECT_THAT(Meetings(), IsEmpty());
    MeetAndEnd();
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(SignalHandlersTest, AHandlerOnItsOwnStackInterruptsToo) {
  Wake();
  Handle(ReadInHandler, SA_RESTART | SA_ONSTACK);
  std::vector<char> place(64 * 1024);
  {
    const Sleeper reader([&] {
      stack_t stack{};
      stack.ss_sp = place.data();
      stack.ss_size = place.size();
      stack_t before{};
      EXPECT_EQ(::sigaltstack(&stack, &before), 0);
      EXPECT_EQ(ReadByte(ours_.get()), 'x');
      // AddressSanitizer unmaps at the end of a thread the one that it gave it.
      EXPECT_EQ(::sigaltstack(&before, nullptr), 0);
    });
    Interrupt(reader);
    MeetAndEnd();
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(SignalHandlersTest, AHandlerMeetsAnotherThread) {
  const Sleeper reader([&] { EXPECT_EQ(ReadByte(ours_.get()), 'x'); });
  reader.AwaitSleep(SYS_recvfrom);
  ASSERT_EQ(::fcntl(ours_.get(), F_SETFL, O_RDWR | O_NONBLOCK), 0);
  handled_fd = ours_.get();
  ASSERT_EQ(::raise(SIGUSR1), 0);
  EXPECT_EQ(handled_reads, 1);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
  ASSERT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
}

TEST_F(SignalHandlersTest, AHandlerThatFindsNothingDoesNotWait) {
  Register(epoll_.get(), wakeup_.get());  // as a loop does with its self-pipe
  Wake();
  const Sleeper reader([&] {
    Api().set_task(2);
    EXPECT_EQ(ReadByte(ours_.get()), 'x');
    Api().set_task(0);
  });
  Interrupt(reader);
  ASSERT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  Api().set_task(3);
  char byte = 0;
  EXPECT_EQ(::read(wakeup_.get(), &byte, 1), -1);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(SignalHandlersTest, NobodyMeetsACallThatAHandlerLeft) {
  Handle(LeaveTheCall);
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd other(ends[0]);
  const UniqueFd peer(ends[1]);
  const Sleeper reader([&] {
    if (::sigsetjmp(before_the_call, 1) == 0) {
      EXPECT_EQ(ReadByte(ours_.get()), 'x');
      return;
    }
    EXPECT_EQ(::read(other.get(), std::array<char, 1>().data(), 1), 1);
  });
  reader.AwaitSleep(SYS_recvfrom);
  reader.Signal(SIGUSR1);
  reader.AwaitSleep(SYS_read);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
  ASSERT_EQ(::send(peer.get(), "x", 1, 0), 1);
}

// The same where both sockets are known, as nearly always, and the call is followed by others of the same function.
TEST_F(SignalHandlersTest, WhatAHandlerLeftDoesNotGoOn) {
  Handle(LeaveTheCall);
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd other(ends[0]);
  const UniqueFd peer(ends[1]);
  for (const bool same : {true, false}) {
    ASSERT_EQ(::send(theirs_.get(), "a", 1, 0), 1);
    ASSERT_EQ(::send(peer.get(), "a", 1, 0), 1);
    const Sleeper reader([&] {
      EXPECT_EQ(ReadByte(ours_.get()), 'a');
      EXPECT_EQ(ReadByte(other.get()), 'a');
      if (::sigsetjmp(before_the_call, 1) == 0) {
        EXPECT_EQ(ReadByte(ours_.get()), 'x');
      }
      EXPECT_EQ(ReadByte(same ? ours_.get() : other.get()), 'b');
      pollfd woken{wakeup_.get(), POLLIN, 0};
      EXPECT_EQ(::poll(&woken, 1, -1), 1);
      EXPECT_EQ(::read(wakeup_.get(), std::array<char, 1>().data(), 1), 1);
    });
    reader.AwaitSleep(SYS_recvfrom);
    reader.Signal(SIGUSR1);
    ASSERT_EQ(::send(same ? theirs_.get() : peer.get(), "b", 1, 0), 1);
    reader.AwaitSleep(SYS_poll);
    FindNothing(ours_.get());
    Wake();
  }
  EXPECT_THAT(Meetings(), IsEmpty());
}

// Two threads echo, each on a socket of its own, and drain one self-pipe in their handlers.
TEST_F(SignalHandlersTest, HandlersAtAnyMomentMeetNobody) {
  constexpr int kRounds = 2000;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd one(ends[0]);
  const UniqueFd other(ends[1]);
  const auto echo = [&](int fd) {
    for (char byte = ReadByte(fd); byte == 'x'; byte = ReadByte(fd)) ::send(fd, &byte, 1, 0);
  };
  {
    const Sleeper first([&] { echo(ours_.get()); });
    const Sleeper second([&] { echo(one.get()); });
    first.AwaitSleep(SYS_recvfrom);
    second.AwaitSleep(SYS_recvfrom);
    for (int round = 0; round < kRounds; ++round) {
      EXPECT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
      EXPECT_EQ(::send(other.get(), "x", 1, 0), 1);
      Wake();
      first.Signal(SIGUSR1);
      Wake();
      second.Signal(SIGUSR1);
      EXPECT_EQ(ReadByte(theirs_.get()), 'x');
      EXPECT_EQ(ReadByte(other.get()), 'x');
    }
    EXPECT_EQ(::send(theirs_.get(), "e", 1, 0), 1);
    EXPECT_EQ(::send(other.get(), "e", 1, 0), 1);
  }
  EXPECT_GT(handled_reads, 0);
  EXPECT_THAT(Meetings(), IsEmpty());
}

}  // namespace
}  // namespace trireme
