#include "harness/protocol/channel.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace trireme {
namespace {

// Far above one message: a runner that is slow to read is not yet broken.
constexpr timeval kSendPatience = {.tv_sec = 1, .tv_usec = 0};

union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxPacketDescriptors)> bytes;
};

std::vector<UniqueFd> TakeDescriptors(msghdr& message) {
  std::vector<UniqueFd> taken;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      taken.emplace_back(fd);
    }
  }
  return taken;
}

// Waits for the next packet. Room for the longest one that may come, made anew for each, would cost a trial that has
// just been forked dozens of page faults.
size_t SizeOfNext(int socket) {
  ssize_t size = 0;
  do size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  return size < 0 ? 0 : static_cast<size_t>(size);
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::MakePair() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return ErrnoError("cannot make a socket pair", errno);
  for (const int end : ends)
    ::setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &kSendPatience, sizeof(kSendPatience));
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Status Channel::Send(const Json& message, const std::vector<int>& descriptors) {
  TRIREME_CHECK(descriptors.size() <= kMaxPacketDescriptors);
  std::string text = DumpJson(message);
  if (text.size() > kMaxPacket)
    return UsageError("a message of " + std::to_string(text.size()) +
                      " bytes is too long for a runner");
  iovec part = {.iov_base = text.data(), .iov_len = text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer control{};
  if (!descriptors.empty()) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), sizeof(int) * descriptors.size());
  }
  while (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return ErrnoError("cannot write to a runner", errno);
  return Done{};
}

Result<std::optional<Packet>> Channel::Receive() {
  std::string text;
  text.resize(std::min(SizeOfNext(socket_.get()), kMaxPacket));
  iovec part = {.iov_base = text.data(), .iov_len = text.size()};
  ControlBuffer control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do size = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno != ECONNRESET) return ErrnoError("cannot read from a runner", errno);
  Packet packet;
  packet.descriptors = TakeDescriptors(header);
  if (size <= 0) return std::optional<Packet>();
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return InfrastructureError("a message was cut short");
  TRIREME_ASSIGN_OR_RETURN(packet.message,
                           ParseJson({text.data(), static_cast<size_t>(size)}, "a message"));
  if (GetString(packet.message, "type").empty())
    return InfrastructureError("a message has no type");
  return std::optional<Packet>(std::move(packet));
}

}  // namespace trireme
