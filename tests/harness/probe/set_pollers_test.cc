// Threads that wait in one epoll set: the calls of this program are the probe's, which is linked before the C library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/waits_case.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

int WaitIn(int epoll, int timeout) {
  epoll_event event{};
  return ::epoll_wait(epoll, &event, 1, timeout);
}

class SharedSetTest : public WaitsTest {
 protected:
  // Reads what is registered for `events`, having waited in the set too, while another thread waits there.
  std::vector<std::string> ReadWhileAnotherWaits(uint32_t events, bool waits_too = true,
                                                 const std::function<void()>& before = {}) {
    Register(epoll_.get(), ours_.get(), events);
    if (waits_too) WaitIn(epoll_.get(), 1);
    const UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
    Register(epoll_.get(), stop.get());
    const Sleeper other([&] { WaitIn(epoll_.get(), -1); });
    other.AwaitSleep(kEpollWait);
    if (before) before();
    FindNothing(ours_.get());
    EXPECT_EQ(::eventfd_write(stop.get(), 1), 0);
    return Meetings();
  }
};

TEST_F(SharedSetTest, TwoThreadsInOneSetAreTwoReaders) {
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN), ElementsAre("second-reader: 0 while 0"));
  EXPECT_EQ(GetString(last_, "how"), "set");
  EXPECT_NE(GetInt(GetMember(last_, "other"), "thread"), ::gettid());
  EXPECT_EQ(GetInt(GetMember(last_, "other"), "fd"), ours_.get());
  EXPECT_THAT(TextsOf(GetMember(last_, "other_stack")), ElementsAre(StartsWith("probe_test")));
}

TEST_F(SharedSetTest, ThreadsThatAreToldOneAtATimeMayShareIt) {
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN | EPOLLONESHOT), IsEmpty());
}

TEST_F(SharedSetTest, ThreadsThatOneIsWokenOfMayShareIt) {
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN | EPOLLEXCLUSIVE), IsEmpty());
}

TEST_F(SharedSetTest, ThreadsThatAreToldOfChangesMayShareIt) {
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN | EPOLLET), IsEmpty());
}

TEST_F(SharedSetTest, WhoTakesTheSocketOutFirstReadsItAlone) {
  const auto take_out = [this] {
    ASSERT_EQ(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, ours_.get(), nullptr), 0);
  };
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN, true, take_out), IsEmpty());
}

TEST_F(SharedSetTest, WhoNeverWaitedThereIsNoneOfThem) {
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN, false), IsEmpty());
}

TEST_F(SharedSetTest, DatagramsGoWholeToOneOfThem) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
  ours_.Reset(ends[0]);
  theirs_.Reset(ends[1]);
  EXPECT_THAT(ReadWhileAnotherWaits(EPOLLIN), IsEmpty());
}

// Neither waits any longer when the first of them reads.
TEST_F(SharedSetTest, TwoThreadsThatAreBothToldAreTwoReaders) {
  Register(epoll_.get(), ours_.get());
  std::latch told(2);
  const auto read = [&] {
    EXPECT_EQ(WaitIn(epoll_.get(), -1), 1);
    told.arrive_and_wait();
    std::array<char, 8> bytes{};
    ::recv(ours_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  };
  {
    const Sleeper one(read);
    const Sleeper other(read);
    one.AwaitSleep(kEpollWait);
    other.AwaitSleep(kEpollWait);
    EXPECT_EQ(::send(theirs_.get(), "1", 1, 0), 1);
  }
  EXPECT_THAT(Meetings(), Not(IsEmpty()));
}

// A large table has a socket anywhere: of so many at least one is in each quarter.
TEST_F(SharedSetTest, WhoWasToldIsKnownAllOverTheTable) {
  for (int i = 0; i < 12; ++i) {
    Begin({.objects = TRIREME_MOST_OBJECTS});
    Register(epoll_.get(), ours_.get());
    std::latch told(2), read(1);
    {
      const Sleeper other([&] {
        EXPECT_EQ(WaitIn(epoll_.get(), -1), 1);
        told.arrive_and_wait();
        read.wait();
      });
      other.AwaitSleep(kEpollWait);
      const Sleeper reader([&] {
        EXPECT_EQ(WaitIn(epoll_.get(), -1), 1);
        told.arrive_and_wait();
        EXPECT_EQ(ReadByte(ours_.get()), '1');
        read.count_down();
      });
      reader.AwaitSleep(kEpollWait);
      EXPECT_EQ(::send(theirs_.get(), "1", 1, 0), 1);
    }
    EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0")) << i;
  }
}

TEST_F(SharedSetTest, ThreadsThatTakeTurnsAreNoTwoReaders) {
  Register(epoll_.get(), ours_.get());
  for (int turn = 0; turn < 4; ++turn) {
    std::thread([this] {
      EXPECT_EQ(::send(theirs_.get(), "1", 1, 0), 1);
      EXPECT_EQ(WaitIn(epoll_.get(), -1), 1);
      EXPECT_EQ(ReadByte(ours_.get()), '1');
    }).join();
  }
  EXPECT_THAT(Meetings(), IsEmpty());
}

}  // namespace
}  // namespace trireme
