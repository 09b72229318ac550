// What a plan does to datagrams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One message, with room for a sender's name and for what comes beside its bytes.
struct Message {
  explicit Message(const std::string& text, size_t room = 0) : bytes(text) {
    bytes.resize(std::max(room, text.size()));
    part = {bytes.data(), bytes.size()};
    head.msg_iov = &part;
    head.msg_iovlen = 1;
  }
  // Of `fd` another descriptor goes with it.
  void Attach(int fd) {
    head.msg_control = beside;
    head.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* first = CMSG_FIRSTHDR(&head);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(first), &fd, sizeof(int));
  }
  void MakeRoomBeside() {
    head.msg_name = &name;
    head.msg_namelen = sizeof(name);
    head.msg_control = beside;
    head.msg_controllen = sizeof(beside);
  }
  // The one that came with it; -1: none.
  int Attached() {
    int fd = -1;
    if (const cmsghdr* first = CMSG_FIRSTHDR(&head); first != nullptr)
      std::memcpy(&fd, CMSG_DATA(first), sizeof(int));
    return fd;
  }

  // Without a byte, as 16 bits: into how many bytes each the kernel cuts it.
  void AttachSegmentSize(uint16_t size) {
    head.msg_control = beside;
    head.msg_controllen = CMSG_SPACE(sizeof(size));
    cmsghdr* first = CMSG_FIRSTHDR(&head);
    first->cmsg_level = IPPROTO_UDP;
    first->cmsg_type = UDP_SEGMENT;
    first->cmsg_len = CMSG_LEN(sizeof(size));
    std::memcpy(CMSG_DATA(first), &size, sizeof(size));
  }

  std::string bytes;
  iovec part{};
  sockaddr_un name{};
  alignas(cmsghdr) char beside[CMSG_SPACE(sizeof(int))]{};
  msghdr head{};
};

class DatagramFaultsTest : public SocketFaultsFixture {
 protected:
  struct Pair {
    explicit Pair(int extra = 0) {
      int ends[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | extra, 0, ends), 0);
      sender.Reset(ends[0]);
      receiver.Reset(ends[1]);
    }
    UniqueFd sender, receiver;
  };
  static std::string ReceiveAll(int fd) {
    std::string got;
    for (std::string text; (text = Receive(fd, 9, MSG_DONTWAIT)).size() == 1;) got += text;
    return got;
  }
  // Of two datagrams, the first of which is sent again after an interruption.
  static void ExpectOnlyTheSecondComes() {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    const UniqueFd sender(ends[0]), receiver(ends[1]);
    EXPECT_EQ(::send(sender.get(), "a", 1, 0), -1);
    EXPECT_EQ(errno, EINTR);
    EXPECT_EQ(::send(sender.get(), "a", 1, 0), 1);
    EXPECT_EQ(::send(sender.get(), "b", 1, 0), 1);
    EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "b");
  }
  // Sends a, b and c from one socket to another, and says what came.
  std::string SendThree(const std::vector<trireme_fault_rule>& rules) {
    Begin(rules);
    const UniqueFd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    {
      const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM, 0));
      for (const char* text : {"a", "b", "c"})
        EXPECT_EQ(::sendto(sender.get(), text, 1, 0, reinterpret_cast<sockaddr*>(&address), size),
                  1);
    }
    std::string got;
    for (;;) {
      const std::string text = Receive(receiver.get(), 9, MSG_DONTWAIT);
      if (text.size() != 1) return got;
      got += text;
    }
  }
};

TEST_F(DatagramFaultsTest, Drops) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 1)}), "ac");
  EXPECT_THAT(Faults(), ElementsAre("send 1#0 client write 1 {\"drop\":true}"));
}

TEST_F(DatagramFaultsTest, Duplicates) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 1)}), "abbc");
}

TEST_F(DatagramFaultsTest, SendsAfterTheNext) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)}), "bac");
}

// Whatever order the plan says them in.
TEST_F(DatagramFaultsTest, DoesNothingElseToWhatItDrops) {
  const trireme_fault_rule drop = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 1);
  const trireme_fault_rule twice = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 1);
  const trireme_fault_rule late = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 1);
  for (const std::vector<trireme_fault_rule>& rules :
       {std::vector{drop, twice, late}, std::vector{late, twice, drop}}) {
    EXPECT_EQ(SendThree(rules), "ac");
    EXPECT_THAT(Faults(), ElementsAre("send 1#0 client write 1 {\"drop\":true}"));
  }
}

TEST_F(DatagramFaultsTest, SendsBothOfThemAfterTheNext) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0),
                       At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 0)}),
            "baac");
  EXPECT_THAT(Faults(), ElementsAre("send 1#0 client write 0 {\"duplicate\":true}",
                                    "send 1#0 client write 0 {\"reorder\":true}"));
}

TEST_F(DatagramFaultsTest, KeepsShortWhatItSendsAfterTheNext) {
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
TEST_F(DatagramFaultsTest, NotesNoneThatItCouldNotKeep) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  const std::string large(size_t{1} << 16 | 1, 'a');
  ASSERT_EQ(::send(sender.get(), large.data(), large.size(), 0), large.size());
  EXPECT_EQ(Receive(receiver.get(), 1, MSG_DONTWAIT), "a");
  EXPECT_THAT(Faults(), IsEmpty());
}

// A full socket takes it later, and then it is sent twice, once.
TEST_F(DatagramFaultsTest, NotesWhatItDoesToOneThatIsSentAgainOnce) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  int sent = 0;
  while (::send(sender.get(), "a", 1, 0) == 1) ++sent;
  ASSERT_EQ(errno, EAGAIN);
  EXPECT_EQ(::send(sender.get(), "b", 1, 0), -1);
  int came = 0;
  while (Receive(receiver.get(), 9, MSG_DONTWAIT) == "a") ++came;
  EXPECT_EQ(Faults().size(), static_cast<size_t>(came - sent));
}

// What the kernel took nothing of was not hit, and so no limit counts it: the one that is sent again is.
TEST_F(DatagramFaultsTest, CountsNoneThatWasNotSent) {
  trireme_fault_rule twice = Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE);
  for (const bool on_connection : {true, false}) {
    twice.limit = on_connection ? 1 : 0;
    twice.total = on_connection ? 0 : 1;
    Begin({twice});
    const Pair ends(SOCK_NONBLOCK);
    // Unseen, so that none of these is the one.
    size_t before = 0;
    while (::syscall(SYS_sendto, ends.sender.get(), "a", 1, MSG_DONTWAIT, nullptr, 0) == 1)
      ++before;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(::send(ends.sender.get(), "b", 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_THAT(Faults(), IsEmpty());
    EXPECT_EQ(ReceiveAll(ends.receiver.get()), std::string(before, 'a'));
    ASSERT_EQ(::send(ends.sender.get(), "b", 1, 0), 1);
    ASSERT_EQ(::send(ends.sender.get(), "c", 1, 0), 1);
    EXPECT_EQ(ReceiveAll(ends.receiver.get()), "bbc");
    EXPECT_EQ(Faults().size(), 1U);
  }
}

// The call is over before: it was not that one which got lost.
TEST_F(DatagramFaultsTest, DropsTheOneThatIsSentAgain) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 0),
         At(Rule(TRIREME_CALL_SEND, TRIREME_DO_INTERRUPT), 0)});
  ExpectOnlyTheSecondComes();
  EXPECT_EQ(Faults().size(), 2U);
}

// Each that comes has a number of its own, also for who does not wait.
TEST_F(DatagramFaultsTest, DropsOneOfThoseThatAreReadOneByOne) {
  Begin({At(Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP), 1)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  std::string got;
  for (const char* letter : {"a", "b", "c", "d"}) {
    ASSERT_EQ(::send(sender.get(), letter, 1, 0), 1);
    const std::string text = Receive(receiver.get(), 9, MSG_DONTWAIT);
    got += text.size() == 1 ? text : "-";
  }
  EXPECT_EQ(got, "a-cd");
  EXPECT_EQ(Faults().size(), 1U);
}

// Whoever sends several in one call reads there how much of each went.
TEST_F(DatagramFaultsTest, SaysOfMessagesThatAreNotSentNowHowLongTheyAre) {
  for (const trireme_fault_action action :
       {TRIREME_DO_DROP, TRIREME_DO_REORDER, TRIREME_DO_DUPLICATE}) {
    Begin({At(Rule(TRIREME_CALL_SEND, action), 0)});
    const Pair ends;
    Message first("abc"), second("de");
    mmsghdr both[] = {{first.head, 99}, {second.head, 99}};
    EXPECT_EQ(::sendmmsg(ends.sender.get(), both, 2, 0), 1);
    EXPECT_EQ(both[0].msg_len, 3U);
    EXPECT_EQ(both[1].msg_len, 99U);
    EXPECT_EQ(::sendmmsg(ends.sender.get(), both + 1, 1, 0), 1);
    EXPECT_EQ(both[1].msg_len, 2U);
  }
}

TEST_F(DatagramFaultsTest, CutsTheFirstOfSeveralMessages) {
  trireme_fault_rule cut = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_SHORT), 0);
  cut.amount = 2;
  trireme_fault_rule cut_read = At(Rule(TRIREME_CALL_RECV, TRIREME_DO_SHORT), 1);
  cut_read.amount = 1;
  Begin({cut, cut_read});
  const Pair ends;
  Message first("abc"), second("de");
  mmsghdr both[] = {{first.head, 0}, {second.head, 0}};
  EXPECT_EQ(::sendmmsg(ends.sender.get(), both, 2, 0), 1);
  EXPECT_EQ(both[0].msg_len, 2U);
  EXPECT_EQ(both[0].msg_hdr.msg_iov, &first.part);
  EXPECT_EQ(first.part.iov_len, 3U);
  EXPECT_EQ(::sendmmsg(ends.sender.get(), both + 1, 1, 0), 1);
  Message got("", 9), next("", 9);
  mmsghdr read[] = {{got.head, 0}, {next.head, 0}};
  EXPECT_EQ(::recvmmsg(ends.receiver.get(), read, 2, 0, nullptr), 1);
  EXPECT_EQ(got.bytes.substr(0, read[0].msg_len), "ab");
  EXPECT_EQ(::recvmmsg(ends.receiver.get(), read + 1, 1, 0, nullptr), 1);
  EXPECT_EQ(next.bytes.substr(0, read[1].msg_len), "d");
  EXPECT_NE(read[1].msg_hdr.msg_flags & MSG_TRUNC, 0);
}

// As if the one that is lost had never come: nothing of it is in what the caller gave, and its descriptors are open nowhere.
TEST_F(DatagramFaultsTest, LeavesNothingOfOneThatIsDroppedInAReader) {
  Begin({At(Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP), 0)});
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const UniqueFd out(pipe[0]);
  UniqueFd in(pipe[1]);
  const Pair ends;
  const UniqueFd named(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  ASSERT_EQ(::bind(named.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at.sun_family)), 0);
  socklen_t size = sizeof(at);
  ASSERT_EQ(::getsockname(named.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  // Without a name and with a descriptor the one, with a name and another descriptor the other.
  const UniqueFd nameless(::socket(AF_UNIX, SOCK_DGRAM, 0));
  const UniqueFd receiver(::socket(AF_UNIX, SOCK_DGRAM, 0));
  ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at.sun_family)), 0);
  sockaddr_un to{};
  socklen_t to_size = sizeof(to);
  ASSERT_EQ(::getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&to), &to_size), 0);
  for (const int fd : {nameless.get(), named.get()})
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), to_size), 0);
  Message lost("lost");
  lost.Attach(in.get());
  ASSERT_EQ(::sendmsg(nameless.get(), &lost.head, 0), 4);
  in.Reset();
  Message kept("kept");
  kept.Attach(receiver.get());
  ASSERT_EQ(::sendmsg(named.get(), &kept.head, 0), 4);
  Message got("", 9);
  got.MakeRoomBeside();
  ASSERT_EQ(::recvmsg(receiver.get(), &got.head, 0), 4);
  EXPECT_EQ(got.bytes.substr(0, 4), "kept");
  EXPECT_EQ(got.head.msg_namelen, size);
  EXPECT_EQ(got.head.msg_flags & MSG_CTRUNC, 0);
  const UniqueFd came(got.Attached());
  EXPECT_GE(came.get(), 0);
  // The last end that could write is gone, so the pipe is at its end.
  pollfd end{.fd = out.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&end, 1, 0), 1);
  EXPECT_EQ(end.revents, POLLHUP);
}

TEST_F(DatagramFaultsTest, SaysTheNameOfWhoSentTheOneThatComes) {
  Begin({At(Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP), 0)});
  const UniqueFd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  for (const char* text : {"a", "b"})
    ASSERT_EQ(::sendto(sender.get(), text, 1, 0, reinterpret_cast<sockaddr*>(&at), size), 1);
  // Of a name that is longer than there is room for the kernel says how long it is.
  sockaddr_in name[2]{};
  socklen_t room = 4;
  char byte = '-';
  ASSERT_EQ(::recvfrom(receiver.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(name), &room), 1);
  EXPECT_EQ(byte, 'b');
  EXPECT_EQ(room, sizeof(sockaddr_in));
  EXPECT_EQ(name[0].sin_addr.s_addr, 0U);
}

// A pipe, the end of which that writes goes from one process to another as a descriptor of a late datagram.
class LateDescriptorTest : public DatagramFaultsTest {
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

TEST_F(DatagramFaultsTest, SaysOfADescriptorThatIsNoneWhatTheKernelSays) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const Pair ends;
  Message wrong("wrong");
  wrong.Attach(1'000'000);
  EXPECT_EQ(::sendmsg(ends.sender.get(), &wrong.head, 0), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(DatagramFaultsTest, KeepsTheSizeOfSegmentsOfALateOne) {
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
TEST_F(DatagramFaultsTest, LeavesInOrderWhatHasTooMuchBesideIt) {
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

TEST_F(DatagramFaultsTest, LeavesAPartOfADatagramInItsPlace) {
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

// As any other: it is read, and it is sent.
TEST_F(DatagramFaultsTest, HitsOneWithoutAByte) {
  Begin({At(Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP), 0),
         At(Error(TRIREME_CALL_RECV, ENOBUFS), 1)});
  const Pair ends;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::send(ends.sender.get(), "", 0, 0), 0);
  ASSERT_EQ(::send(ends.sender.get(), "a", 1, 0), 1);
  EXPECT_EQ(Receive(ends.receiver.get(), 9), "error " + std::to_string(ENOBUFS));
  for (const char* expected : {"", "", "a"}) EXPECT_EQ(Receive(ends.receiver.get(), 9), expected);
  EXPECT_EQ(Faults().size(), 2U);
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 0),
         At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 1),
         At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 3)});
  const Pair others;
  for (const char* text : {"lost", "", "c", ""})
    ASSERT_EQ(::send(others.sender.get(), text, std::strlen(text), 0), std::strlen(text));
  for (const char* expected : {"c", "", "", ""})
    EXPECT_EQ(Receive(others.receiver.get(), 9, MSG_DONTWAIT), expected);
  EXPECT_EQ(Receive(others.receiver.get(), 9, MSG_DONTWAIT), "error " + std::to_string(EAGAIN));
}

TEST_F(DatagramFaultsTest, TheEndIsNoDatagram) {
  Begin({Error(TRIREME_CALL_RECV, ENOBUFS)});
  const Pair ends;
  ASSERT_EQ(::shutdown(ends.receiver.get(), SHUT_RD), 0);
  EXPECT_EQ(Receive(ends.receiver.get(), 9), "");
  EXPECT_THAT(Faults(), IsEmpty());
}

// Whole messages like datagrams, but in order and without loss.
TEST_F(DatagramFaultsTest, WhatHappensToDatagramsHappensToNoRecord) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE),
         Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP),
         At(Error(TRIREME_CALL_RECV, ENOBUFS), 1)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  UniqueFd sender(ends[0]);
  const UniqueFd receiver(ends[1]);
  for (const char* text : {"aa", "bb"}) ASSERT_EQ(::send(sender.get(), text, 2, 0), 2);
  sender.Reset();
  EXPECT_EQ(Receive(receiver.get(), 9), "aa");
  EXPECT_EQ(Receive(receiver.get(), 9), "error " + std::to_string(ENOBUFS));
  EXPECT_EQ(Receive(receiver.get(), 9), "bb");
  EXPECT_EQ(Receive(receiver.get(), 9), "");
  EXPECT_EQ(Faults().size(), 1U);
}

// Read up to the byte of a fault a record would lose the rest of itself.
TEST_F(DatagramFaultsTest, BothEndsOfAConnectionOfRecordsMoveThemWhole) {
  Begin({At(Error(TRIREME_CALL_RECV, ENOBUFS), 1)});
  const UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at.sun_family)), 0);
  socklen_t size = sizeof(at);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const UniqueFd client(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  const UniqueFd server(::accept(listener.get(), nullptr, nullptr));
  for (const char* text : {"aa", "bb"}) ASSERT_EQ(::send(client.get(), text, 2, 0), 2);
  EXPECT_EQ(Receive(server.get(), 9), "aa");
  EXPECT_EQ(Receive(server.get(), 9), "error " + std::to_string(ENOBUFS));
  EXPECT_EQ(Receive(server.get(), 9), "bb");
  EXPECT_THAT(Faults(), ElementsAre("recv 1#0 server read 1 {\"error\":\"ENOBUFS\"}"));
}

TEST_F(DatagramFaultsTest, APairIsRecordedAsWhatItIs) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP)});
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, type, 0, ends), 0);
    const UniqueFd one(ends[0]), other(ends[1]);
  }
  std::vector<std::string> kinds;
  for (const Json& value : Values(EventKind::kConnection))
    if (value.contains("kind") && GetString(value, "side") == "client" &&
        GetString(value, "kind") != "pipe")  // the address sanitizer asks by some what it may read
      kinds.push_back(GetString(value, "kind"));
  EXPECT_THAT(kinds, ElementsAre("pair", "seqpacket", "datagram"));
}

TEST_F(DatagramFaultsTest, SendsTheLastOneWhenTheSocketIsClosed) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 2)}), "abc");
}

// Whoever else the socket is connected to since, and whether or not it may send more.
TEST_F(DatagramFaultsTest, SendsALateOneToThePeerItWasFor) {
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

TEST_F(DatagramFaultsTest, SendsALateOneBeforeTheSocketSendsNoMore) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  const Pair ends;
  ASSERT_EQ(::send(ends.sender.get(), "a", 1, 0), 1);
  ASSERT_EQ(::shutdown(ends.sender.get(), SHUT_WR), 0);
  EXPECT_EQ(Receive(ends.receiver.get(), 9, MSG_DONTWAIT), "a");
}

TEST_F(DatagramFaultsTest, SendsTheLastOneOfASocketThatStaysOpen) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  ASSERT_EQ(::send(sender.get(), "a", 1, 0), 1);
  pollfd came{.fd = receiver.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&came, 1, 20000), 1);
  EXPECT_EQ(Receive(receiver.get(), 9), "a");
}

TEST_F(DatagramFaultsTest, SendsTheLastOneOfAProgramThatEnds) {
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
TEST_F(DatagramFaultsTest, SendsTheLastOneOfAProgramThatBecomesAnother) {
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
TEST_F(DatagramFaultsTest, SendsNothingToAnotherSocketOfTheNumber) {
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

TEST_F(DatagramFaultsTest, SendsTheLastOneBeforeACloseBySystemCall) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER), 0)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd receiver(ends[1]);
  ASSERT_EQ(::send(ends[0], "a", 1, 0), 1);
  ::syscall(SYS_close, ends[0]);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "a");
}

// Who waits is never told to try again: a program that lets the socket wait knows no such answer.
TEST_F(DatagramFaultsTest, TellsOnlyWhoDoesNotWaitToTryAgain) {
  Begin({Error(TRIREME_CALL_RECV, EAGAIN)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  ASSERT_EQ(::send(sender.get(), "a", 1, 0), 1);
  EXPECT_EQ(Receive(receiver.get(), 9), "a");
  EXPECT_THAT(Faults(), IsEmpty());
  ASSERT_EQ(::send(sender.get(), "b", 1, 0), 1);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "error " + std::to_string(EAGAIN));
  EXPECT_EQ(Faults().size(), 1U);
}

// The call that is made again is for the same one: else what follows would hit another datagram where nobody is told so.
TEST_F(DatagramFaultsTest, CountsNoneThatIsToBeReadAgain) {
  Begin({At(Error(TRIREME_CALL_RECV, EAGAIN), 0), At(Rule(TRIREME_CALL_RECV, TRIREME_DO_DROP), 1)});
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const UniqueFd sender(ends[0]), receiver(ends[1]);
  for (const char* letter : {"a", "b", "c"}) ASSERT_EQ(::send(sender.get(), letter, 1, 0), 1);
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "error " + std::to_string(EAGAIN));
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "a");
  EXPECT_EQ(Receive(receiver.get(), 9, MSG_DONTWAIT), "c");
  EXPECT_EQ(Faults().size(), 2U);
}

TEST_F(DatagramFaultsTest, HitsTheSameOneWithWhatElseIsDue) {
  Begin({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_INTERRUPT), 0),
         At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 0)});
  ExpectOnlyTheSecondComes();
}

TEST_F(DatagramFaultsTest, LeavesOthersAlone) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 3)}), "abc");
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(DatagramFaultsTest, WhatHappensToDatagramsHappensToNoStream) {
  Begin({Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE),
         Rule(TRIREME_CALL_SEND, TRIREME_DO_REORDER)});
  const Ends ends = Connect();
  ASSERT_EQ(::send(ends.client.get(), "0123", 4, 0), 4);
  EXPECT_EQ(Receive(ends.server.get(), 8), "0123");
  EXPECT_THAT(Faults(), IsEmpty());
}

}  // namespace
}  // namespace trireme
