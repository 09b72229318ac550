// What a plan does to datagrams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/datagram_faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DatagramFaultsTest : public DatagramFaultsFixture {};

TEST_F(DatagramFaultsTest, Drops) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DROP), 1)}), "ac");
  EXPECT_THAT(Faults(), ElementsAre("send 1#0 client write 1 {\"drop\":true}"));
}

TEST_F(DatagramFaultsTest, Duplicates) {
  EXPECT_EQ(SendThree({At(Rule(TRIREME_CALL_SEND, TRIREME_DO_DUPLICATE), 1)}), "abbc");
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
