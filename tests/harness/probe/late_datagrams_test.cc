// Datagrams that a plan sends after the next: late, with all that they had, and never lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/datagram_faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LateDatagramTest : public DatagramFaultsFixture {};

TEST_F(LateDatagramTest, SendsAfterTheNext) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)}), "bac");
}

TEST_F(LateDatagramTest, SendsBothOfThemAfterTheNext) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0),
                       At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 0)}),
            "baac");
  EXPECT_THAT(Faults(), ElementsAre("send 1#0 client write 0 {\"duplicate\":true}",
                                    "send 1#0 client write 0 {\"reorder\":true}"));
}

TEST_F(LateDatagramTest, KeepsShortWhatItSendsAfterTheNext) {
  trireme_fault_rule cut = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_SHORT), 0);
  cut.amount = 2;
  Begin({cut, At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  EXPECT_EQ(::send(sender.get(), "abc", 3, 0), 2);
  EXPECT_EQ(::send(sender.get(), "def", 3, 0), 3);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "def");
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "ab");
}

// There is room for a few at once: who is not late is not said to be.
TEST_F(LateDatagramTest, NotesNoneThatItCouldNotKeep) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  const std::string large(size_t{1} << 16 | 1, 'a');
  ASSERT_EQ(::send(sender.get(), large.data(), large.size(), 0), large.size());
  EXPECT_EQ(Receive(receiver.get(), 1, MSG_DONTWAIT), "a");
  EXPECT_THAT(Faults(), IsEmpty());
}

// A pipe, the end of which that writes goes from one process to another as a descriptor of a late datagram.
class LateDescriptorTest : public LateDatagramTest {
 protected:
  LateDescriptorTest() {
    Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    out.Reset(pipe[0]);
    Message late("late");
    late.Attach(pipe[1]);
    EXPECT_EQ(::sendmsg(ends.sender.get(), &late.head, 0), 4);
    EXPECT_EQ(::close(pipe[1]), 0);
  }
  // Of a message; not valid: none.
  UniqueFd ReceiveDescriptor(const std::string& expected) {
    Message got("", 9);
    got.MakeRoomBeside();
    EXPECT_EQ(::recvmsg(ends.receiver.get(), &got.head, 0), expected.size());
    EXPECT_EQ(got.bytes.substr(0, expected.size()), expected);
    return UniqueFd(got.Attached());
  }
  // Whether nobody has the end that writes.
  bool IsAtItsEnd() {
    pollfd end{.fd = out.get(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, 0) == 1 && end.revents == POLLHUP;
  }

  Pair ends;
  UniqueFd out;
};

TEST_F(LateDescriptorTest, GoesWithItsDatagramThoughTheProgramClosedIt) {
  EXPECT_FALSE(IsAtItsEnd());
  ASSERT_EQ(::send(ends.sender.get(), "next", 4, 0), 4);
  EXPECT_FALSE(ReceiveDescriptor("next").valid());
  UniqueFd in = ReceiveDescriptor("late");
  ASSERT_TRUE(in.valid());
  ASSERT_EQ(::write(in.get(), "x", 1), 1);
  char byte = '-';
  EXPECT_EQ(::read(out.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  in.Reset();
  EXPECT_TRUE(IsAtItsEnd());
}

TEST_F(LateDescriptorTest, GoesBeforeAllDescriptorsAreClosed) {
  // As a daemon closes what it does not know.
  ASSERT_EQ(::close_range(600, ~0U, 0), 0);
  EXPECT_TRUE(ReceiveDescriptor("late").valid());
}

TEST_F(LateDescriptorTest, IsClosedInAForkedChild) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ASSERT_EQ(::send(ends.sender.get(), "next", 4, 0), 4);
  EXPECT_FALSE(ReceiveDescriptor("next").valid());
  ReceiveDescriptor("late").Reset();
  // The child still stands, and has nothing of it.
  pollfd end{.fd = out.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&end, 1, 10'000), 1);
  EXPECT_EQ(end.revents, POLLHUP);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(LateDatagramTest, SaysOfADescriptorThatIsNoneWhatTheKernelSays) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const Pair ends;
  Message wrong("wrong");
  wrong.Attach(1'000'000);
  EXPECT_EQ(::sendmsg(ends.sender.get(), &wrong.head, 0), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(LateDatagramTest, KeepsTheSizeOfSegmentsOfALateOne) {
  const auto bind = [](const UniqueFd& fd, sockaddr_in* address) {
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(*address);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(address), size), 0);
    ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(address), &size), 0);
  };
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const UniqueFd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in address{};
  bind(receiver, &address);
  Message late("aaabbb");
  late.head.msg_name = &address;
  late.head.msg_namelen = sizeof(address);
  late.AttachSegmentSize(3);
  ASSERT_EQ(::sendmsg(sender.get(), &late.head, 0), 6);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::sendto(sender.get(), "next", 4, 0, to, sizeof(address)), 4);
  for (const char* expected : {"next", "aaa", "bbb"})
    EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), expected);
}

// What is not to be kept goes in its turn, and the history says why.
TEST_F(LateDatagramTest, LeavesInOrderWhatHasTooMuchBesideIt) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const Pair ends;
  // As many ids as nobody sends, each the sender's own.
  std::vector<char> beside(CMSG_SPACE(sizeof(ucred)) * 200);
  Message first("first");
  first.head.msg_control = beside.data();
  first.head.msg_controllen = beside.size();
  for (cmsghdr* one = CMSG_FIRSTHDR(&first.head); one != nullptr;) {
    one->cmsg_level = SOL_SOCKET;
    one->cmsg_type = SCM_CREDENTIALS;
    one->cmsg_len = CMSG_LEN(sizeof(ucred));
    const ucred own = {::getpid(), ::getuid(), ::getgid()};
    std::memcpy(CMSG_DATA(one), &own, sizeof(own));
    one = reinterpret_cast<cmsghdr*>(reinterpret_cast<char*>(one) + CMSG_SPACE(sizeof(ucred)));
    if (reinterpret_cast<char*>(one) >= beside.data() + beside.size()) one = nullptr;
  }
  ASSERT_EQ(::sendmsg(ends.sender.get(), &first.head, 0), 5) << std::strerror(errno);
  ASSERT_EQ(::send(ends.sender.get(), "next", 4, 0), 4);
  EXPECT_EQ(Receive(ends.receiver.get(), 9, MSG_DONTWAIT), "first");
  EXPECT_EQ(Receive(ends.receiver.get(), 9, MSG_DONTWAIT), "next");
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_THAT(Warnings(), ElementsAre("fault 'f' left datagram 0 of 1#0 in order: it has more "
                                      "control data than is kept"));
}

TEST_F(LateDatagramTest, LeavesAPartOfADatagramInItsPlace) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const UniqueFd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* to = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(receiver.get(), to, size), 0);
  ASSERT_EQ(::getsockname(receiver.get(), to, &size), 0);
  ASSERT_EQ(::connect(sender.get(), to, size), 0);
  ASSERT_EQ(::send(sender.get(), "a", 1, MSG_MORE), 1);
  ASSERT_EQ(::send(sender.get(), "b", 1, 0), 1);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "ab");
}

TEST_F(LateDatagramTest, SendsTheLastOneWhenTheSocketIsClosed) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 2)}), "abc");
}

// Whoever else the socket is connected to since, and whether or not it may send more.
TEST_F(LateDatagramTest, SendsALateOneToThePeerItWasFor) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  UniqueFd receivers[2];
  sockaddr_in addresses[2]{};
  socklen_t size = sizeof(sockaddr_in);
  for (int i = 0; i < 2; ++i) {
    receivers[i].Reset(::socket(AF_INET, SOCK_DGRAM, 0));
    addresses[i].sin_family = AF_INET;
    addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* address = reinterpret_cast<sockaddr*>(&addresses[i]);
    ASSERT_EQ(::bind(receivers[i].get(), address, size), 0);
    ASSERT_EQ(::getsockname(receivers[i].get(), address, &size), 0);
  }
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  for (int i = 0; i < 2; ++i) {
    const auto* address = reinterpret_cast<const sockaddr*>(&addresses[i]);
    ASSERT_EQ(::connect(sender.get(), address, size), 0);
    ASSERT_EQ(::send(sender.get(), i == 0 ? "a" : "b", 1, 0), 1);
  }
  EXPECT_EQ(Receive(receivers[0].get(), 9, MSG_DONTWAIT), "a");
  EXPECT_EQ(ReceiveAll(receivers[1].get()), "b");
}

TEST_F(LateDatagramTest, SendsALateOneBeforeTheSocketSendsNoMore) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const Pair ends;
  ASSERT_EQ(::send(ends.sender.get(), "a", 1, 0), 1);
  ASSERT_EQ(::shutdown(ends.sender.get(), SHUT_WR), 0);
  EXPECT_EQ(Receive(ends.receiver.get(), 9, MSG_DONTWAIT), "a");
}

TEST_F(LateDatagramTest, SendsTheLastOneOfASocketThatStaysOpen) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  ASSERT_EQ(::send(sender.get(), "a", 1, 0), 1);
  pollfd came{.fd = receiver.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&came, 1, 20000), 1);
  EXPECT_EQ(Receive(receiver.get(), 9), "a");
}

TEST_F(LateDatagramTest, SendsTheLastOneOfAProgramThatEnds) {
  using End = void (*)(int);
  for (const End end : {End{::exit}, End{::_exit}, End{::_Exit}}) {
    Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    const UniqueFd sender(ends[0]);
    const UniqueFd receiver(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      ::send(sender.get(), "a", 1, 0);
      end(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "a");
  }
}

// Nobody is left there to send it later.
TEST_F(LateDatagramTest, SendsTheLastOneOfAProgramThatBecomesAnother) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::send(sender.get(), "a", 1, 0);
    ::execl("/bin/true", "true", nullptr);
    ::_exit(1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "a");
}

// Whose close was seen, and whose was not: what was kept is for neither.
TEST_F(LateDatagramTest, SendsNothingToAnotherSocketOfTheNumber) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  ASSERT_EQ(::send(ends[0], "a", 1, 0), 1);
  CloseUnseen(ends[0]);
  CloseUnseen(ends[1]);
  int others[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, others), 0);
  ASSERT_EQ(others[0], ends[0]);
  const UniqueFd sender(others[0]), receiver(others[1]);
  ASSERT_EQ(::send(sender.get(), "b", 1, 0), 1);
  EXPECT_EQ(Receive(receiver.get(), 9), "b");
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "error " + std::to_string(EAGAIN));
}

TEST_F(LateDatagramTest, SendsTheLastOneBeforeACloseBySystemCall) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd receiver(ends[1]);
  ASSERT_EQ(::send(ends[0], "a", 1, 0), 1);
  ::syscall(SYS_close, ends[0]);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "a");
}

}  // namespace
}  // namespace trireme
