#ifndef TRIREME_TESTS_HARNESS_PROBE_DATAGRAM_FAULTS_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_PROBE_DATAGRAM_FAULTS_FIXTURE_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {

// One message, with room for a sender's name and for what comes beside its bytes.
struct Message {
  explicit Message(const std::string& text, size_t room = 0) : bytes(text) {
    bytes.resize(std::max(room, text.size()));
    part = {bytes.data(), bytes.size()};
    head.msg_iov = &part;
    head.msg_iovlen = 1;
  }
  // Of `fd` another descriptor goes with it.
  void Attach(int fd) { PutBeside(SOL_SOCKET, SCM_RIGHTS, fd); }
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
  void AttachSegmentSize(uint16_t size) { PutBeside(IPPROTO_UDP, UDP_SEGMENT, size); }

  template <typename Value>
  void PutBeside(int level, int type, Value value) {
    head.msg_control = beside;
    head.msg_controllen = CMSG_SPACE(sizeof(value));
    cmsghdr* first = CMSG_FIRSTHDR(&head);
    first->cmsg_level = level;
    first->cmsg_type = type;
    first->cmsg_len = CMSG_LEN(sizeof(value));
    std::memcpy(CMSG_DATA(first), &value, sizeof(value));
  }

  std::string bytes;
  iovec part{};
  sockaddr_un name{};
  alignas(cmsghdr) char beside[CMSG_SPACE(sizeof(int))]{};
  msghdr head{};
};

class DatagramFaultsFixture : public SocketFaultsFixture {
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

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_PROBE_DATAGRAM_FAULTS_FIXTURE_H_
