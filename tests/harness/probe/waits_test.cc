// Who meets whom at a kernel object: the calls of this program are the probe's, which is linked before the C library.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "tests/harness/probe/waits_case.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(WaitsTest, ATaskMeetsOneThatWaits) {
  Park(ours_.get());
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
  EXPECT_EQ(GetString(last_, "kind"), "stream");
  EXPECT_EQ(GetInt(last_, "fd"), ours_.get());
  EXPECT_FALSE(TextsOf(GetMember(last_, "stack")).empty());
  EXPECT_THAT(TextsOf(GetMember(last_, "other_stack")), ElementsAre(StartsWith("probe_test")));
}

TEST_F(WaitsTest, ReadingWhatIsThereMeetsToo) {
  Park(ours_.get());
  ASSERT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  Api().set_task(3);
  EXPECT_EQ(ReadByte(ours_.get()), 'x');
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
}

TEST_F(WaitsTest, AReadAtNoPositionMeets) {
  Park(ours_.get());
  Api().set_task(3);
  char byte = 0;
  iovec part{&byte, 1};
  EXPECT_EQ(::preadv2(ours_.get(), &part, 1, 0, 0), -1);  // a socket has no positions
  EXPECT_THAT(Meetings(), IsEmpty());
  EXPECT_EQ(::preadv2(ours_.get(), &part, 1, -1, RWF_NOWAIT), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
}

TEST_F(WaitsTest, NobodyMeetsATaskThatRanOn) {
  Park(ours_.get());
  Api().set_task(2);
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, NobodyMeetsATaskThatOnlyLooked) {
  Api().set_task(2);
  FindNothing(ours_.get());
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, ATaskWaitsOnWhatIsRegisteredForGood) {
  Register(epoll_.get(), ours_.get(), EPOLLIN | EPOLLOUT | EPOLLET);
  Api().set_task(2);
  FindNothing(ours_.get());
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
}

TEST_F(WaitsTest, NobodyMeetsATaskThatEnded) {
  Park(ours_.get());
  Api().record_for(2, TRIREME_TASK_END, 0, "returned", 8, TRIREME_NONE, nullptr, 0);
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, NobodyMeetsATaskThatWasCancelled) {
  Park(ours_.get());
  Api().set_task(3);
  Api().record(TRIREME_CANCEL, 2, "1.1", 3, TRIREME_NONE, nullptr, 0);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, ATaskWaitsThoughAnotherWasCancelled) {
  Park(ours_.get());
  Api().set_task(3);
  Api().record(TRIREME_CANCEL, 4, "1.1", 3, TRIREME_NONE, nullptr, 0);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
}

TEST_F(WaitsTest, ALoopReadsForItsTask) {
  Park(ours_.get());
  ASSERT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  EXPECT_EQ(ReadByte(ours_.get()), 'x');
  Api().set_task(3);
  FindNothing(ours_.get());  // the loop took what task 2 waited for
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, ALookTakesNothing) {
  Park(ours_.get());
  Api().set_task(3);
  char byte = 0;
  EXPECT_EQ(::recv(ours_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, AKilledReaderIsForgotten) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ready[0]);
    ::syscall(SYS_write, ready[1], "x", 1);
    ReadByte(ours_.get());
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  while (!IsIn("/proc/" + std::to_string(child) + "/syscall", SYS_recvfrom))
    std::this_thread::yield();
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  Park(ours_.get());
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
  for (const int fd : ready) ::close(fd);
}

TEST_F(WaitsTest, AChildTakesNoRegistrationOfItsParent) {
  Register(epoll_.get(), ours_.get());
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(epoll_.get());
    Register(::epoll_create1(0), ours_.get());
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(WaitsTest, ReadsNoMoreOfASetThanTheCall) {
  const long page = ::sysconf(_SC_PAGESIZE);
  auto* pages = static_cast<char*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::mprotect(pages + page, page, PROT_NONE), 0);
  auto* reads =
      reinterpret_cast<fd_set*>(pages + page - 8);  // as many words as 64 descriptors take
  timeval timeout{.tv_sec = 0, .tv_usec = 1};
  EXPECT_EQ(::select(64, reads, nullptr, nullptr, &timeout), 0);
  ::munmap(pages, 2 * page);
}

TEST_F(WaitsTest, LeavesBadPointersToTheKernel) {
  const volatile uintptr_t nowhere = 8;
  EXPECT_EQ(::readv(ours_.get(), reinterpret_cast<iovec*>(nowhere), 1), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(WaitsTest, DuplicatesAreTheSameObject) {
  Park(ours_.get());
  const UniqueFd copy(::dup(ours_.get()));
  Api().set_task(3);
  FindNothing(copy.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
  EXPECT_EQ(GetInt(last_, "fd"), copy.get());
}

TEST_F(WaitsTest, AForkedChildHasTheSameObject) {
  Park(ours_.get());
  const pid_t child = ::fork();
  if (child == 0) {
    FindNothing(ours_.get());
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 2"));
  EXPECT_EQ(GetInt(GetMember(last_, "other"), "process"), ::getpid());
  EXPECT_THAT(TextsOf(GetMember(last_, "other_stack")), IsEmpty());  // another process's
}

TEST_F(WaitsTest, NobodyMeetsAProcessThatIsGone) {
  Register(epoll_.get(), ours_.get());
  const pid_t child = ::fork();
  if (child == 0) {
    Api().set_task(2);
    FindNothing(ours_.get());
    Api().set_task(0);
    ::_exit(0);
  }
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT),
            0);  // it stays a zombie
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
  ::waitpid(child, nullptr, 0);
}

TEST_F(WaitsTest, ADescriptorThatWasPassedOnIsTheSameObject) {
  Park(ours_.get());
  std::array<int, 2> way{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, way.data()), 0);
  char byte = 'x';
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int passed = ours_.get();
  std::memcpy(CMSG_DATA(header), &passed, sizeof(int));
  ASSERT_EQ(::sendmsg(way[0], &message, 0), 1);
  ASSERT_EQ(::recvmsg(way[1], &message, 0), 1);
  std::memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
  ASSERT_NE(passed, ours_.get());
  Api().set_task(3);
  FindNothing(passed);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
  for (const int fd : {passed, way[0], way[1]}) ::close(fd);
}

TEST_F(WaitsTest, ANumberThatIsUsedAgainIsAnotherObject) {
  Park(ours_.get());
  std::array<int, 2> other{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, other.data()), 0);
  ASSERT_EQ(::syscall(SYS_dup3, other[0], ours_.get(), 0),
            ours_.get());  // out of the probe's sight
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
  for (const int fd : other) ::close(fd);
}

TEST_F(WaitsTest, ReadersAndWritersShare) {
  Park(ours_.get());
  Api().set_task(3);
  EXPECT_EQ(::send(ours_.get(), "x", 1, 0), 1);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, ThreadsMeetInBlockingCalls) {
  {
    const Sleeper first([&] { ReadByte(ours_.get()); });
    first.AwaitSleep(SYS_recvfrom);
    const Sleeper second([&] { ReadByte(ours_.get()); });
    second.AwaitSleep(SYS_recvfrom);
    EXPECT_EQ(::send(theirs_.get(), "xy", 2, 0), 2);
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(WaitsTest, ThreadsThatTakeTurnsDoNotMeet) {
  for (int i = 0; i < 2; ++i) {
    const Sleeper reader([&] { ReadByte(ours_.get()); });
    reader.AwaitSleep(SYS_recvfrom);
    EXPECT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  }
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, WhoPollsWaits) {
  {
    const Sleeper first([&] {
      pollfd polled{.fd = ours_.get(), .events = POLLIN, .revents = 0};
      ::poll(&polled, 1, -1);
    });
    first.AwaitSleep(SYS_poll);
    FindNothing(ours_.get());
    EXPECT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(WaitsTest, WhoSelectsWaits) {
  {
    const Sleeper first([&] {
      fd_set reads;
      FD_ZERO(&reads);
      FD_SET(ours_.get(), &reads);
      ::select(ours_.get() + 1, &reads, nullptr, nullptr, nullptr);
    });
    first.AwaitSleep(SYS_pselect6);
    FindNothing(ours_.get());
    EXPECT_EQ(::send(theirs_.get(), "x", 1, 0), 1);
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(WaitsTest, WhoOnlyPollsForNowDoesNotWait) {
  pollfd polled{.fd = ours_.get(), .events = POLLIN, .revents = 0};
  Park(ours_.get());
  Api().set_task(3);
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, TwoEpollSetsAreTwoReaders) {
  const UniqueFd other(::epoll_create1(EPOLL_CLOEXEC));
  Register(epoll_.get(), ours_.get());
  Register(other.get(), ours_.get());
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
  EXPECT_EQ(GetString(last_, "how"), "epoll");
}

TEST_F(WaitsTest, TwoEpollSetsTellWhoPutTheSocketIntoTheFirst) {
  const UniqueFd copy(::dup(ours_.get()));
  const UniqueFd other(::epoll_create1(EPOLL_CLOEXEC));
  Register(epoll_.get(), ours_.get());
  std::thread([&] { Register(other.get(), copy.get()); }).join();
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
  const Json& first = GetMember(last_, "other");
  EXPECT_EQ(GetInt(first, "thread"), ::gettid());
  EXPECT_EQ(GetInt(first, "process"), ::getpid());
  EXPECT_EQ(GetInt(first, "fd"), ours_.get());
}

TEST_F(WaitsTest, EpollSetsThatOnlyTellOfChangesMayBeTwo) {
  const UniqueFd other(::epoll_create1(EPOLL_CLOEXEC));
  Register(epoll_.get(), ours_.get(), EPOLLIN | EPOLLET);
  Register(other.get(), ours_.get(), EPOLLIN | EPOLLET);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, OneEpollSetAfterAnotherIsNoSecond) {
  UniqueFd other(::epoll_create1(EPOLL_CLOEXEC));
  Register(epoll_.get(), ours_.get());
  ASSERT_EQ(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, ours_.get(), nullptr), 0);
  Register(other.get(), ours_.get());
  ASSERT_EQ(::close(other.Release()), 0);
  const UniqueFd third(::epoll_create1(EPOLL_CLOEXEC));
  Register(third.get(), ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, WritersMeetWhereOneHasToWait) {
  const std::string much(1 << 20, 'x');
  {
    const Sleeper first([&] { ::send(ours_.get(), much.data(), much.size(), MSG_NOSIGNAL); });
    first.AwaitSleep(SYS_sendto);
    EXPECT_EQ(::send(ours_.get(), "y", 1, MSG_DONTWAIT), -1);
    theirs_.Reset();
  }
  EXPECT_THAT(Meetings(), ElementsAre("second-writer: 0 while 0"));
}

TEST_F(WaitsTest, AcceptingIsShared) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  {
    const auto accept = [&] { ::close(::accept(listener.get(), nullptr, nullptr)); };
    const Sleeper first(accept);
    first.AwaitSleep(SYS_accept);
    const Sleeper second(accept);
    second.AwaitSleep(SYS_accept);
    for (int i = 0; i < 2; ++i) {
      const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
      ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    }
  }
  EXPECT_THAT(Meetings(), ElementsAre("shared-listener: 0 while 0"));
}

TEST_F(WaitsTest, SaysWhoAsksForOneByteOfAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK), 0);
  char byte = 0;
  Api().set_task(2);
  EXPECT_EQ(::read(ends[0], &byte, 1), -1);
  Register(epoll_.get(), ends[0]);
  Api().set_task(3);
  EXPECT_EQ(::read(ends[0], &byte, 1), -1);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
  EXPECT_EQ(GetString(last_, "kind"), "pipe");
  EXPECT_TRUE(GetBool(last_, "one"));
  EXPECT_TRUE(GetBool(GetMember(last_, "other"), "one"));
  for (const int fd : ends) ::close(fd);
}

TEST_F(WaitsTest, NobodyReadsAtTheEndForWriting) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK), 0);
  {
    const Sleeper watcher([&] {
      pollfd polled{
          .fd = ends[1], .events = POLLIN, .revents = 0};  // for POLLERR: nobody reads any more
      ::poll(&polled, 1, -1);
    });
    watcher.AwaitSleep(SYS_poll);
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), -1);
    ::close(ends[0]);
  }
  ::close(ends[1]);
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(WaitsTest, EventfdsAreToldApart) {
  const UniqueFd one(::eventfd(0, EFD_NONBLOCK));
  const UniqueFd other(::eventfd(0, EFD_NONBLOCK));
  uint64_t count = 0;
  Api().set_task(2);
  EXPECT_EQ(::read(one.get(), &count, sizeof(count)), -1);
  Register(epoll_.get(), one.get());
  Api().set_task(3);
  EXPECT_EQ(::read(other.get(), &count, sizeof(count)), -1);
  EXPECT_THAT(Meetings(), IsEmpty());
  EXPECT_EQ(::read(one.get(), &count, sizeof(count)), -1);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 3 while 2"));
}

TEST_F(WaitsTest, RecordsWhatEachGotAfterTheyMet) {
  Park(ours_.get());
  ASSERT_EQ(::send(theirs_.get(), "xyz", 3, 0), 3);
  Api().set_task(3);
  ReadByte(ours_.get());
  const Result<History> history = History::Read(path_);
  const Event& last = history->events().back();
  EXPECT_EQ(last.key, "read");
  EXPECT_EQ(last.task, 3U);
  EXPECT_EQ(GetInt(last.Value(), "bytes"), 1);
}

TEST_F(WaitsTest, StopsTellingOfAnObjectAtSomePoint) {
  Park(ours_.get());
  Api().set_task(3);
  for (int i = 0; i < 10 * TRIREME_SOCKET_EVENTS; ++i) FindNothing(ours_.get());
  const Result<History> history = History::Read(path_);
  int events = 0;
  for (const Event& event : history->events()) events += event.kind == EventKind::kSocket ? 1 : 0;
  EXPECT_EQ(events, TRIREME_SOCKET_EVENTS);
}

TEST_F(WaitsTest, CountsWhatItHasNoRoomFor) {
  Begin({.objects = 1});
  Park(ours_.get());
  Api().set_task(3);
  FindNothing(theirs_.get());
  Meetings();
  EXPECT_GE(unseen_, 1U);
}

TEST_F(WaitsTest, FollowsNothingWhereNotAsked) {
  Begin({.objects = 0});
  Park(ours_.get());
  Api().set_task(3);
  FindNothing(ours_.get());
  EXPECT_THAT(Meetings(), IsEmpty());
  EXPECT_EQ(unseen_, 0U);
}

TEST_F(WaitsTest, KeepsErrno) {
  Park(ours_.get());
  Api().set_task(3);
  errno = 0;
  FindNothing(ours_.get());
  EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace trireme
