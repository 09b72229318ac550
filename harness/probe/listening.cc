#include "harness/probe/listening.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/keep_errno.h"

namespace trireme {
namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 socket;
};

// For one socket, the listening one: without a peer no connection has that name.
Request RequestFor(int family, const void* address, uint16_t port) {
  Request request;
  memset(&request, 0, sizeof(request));
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.socket.sdiag_family = static_cast<uint8_t>(family);
  request.socket.sdiag_protocol = IPPROTO_TCP;
  request.socket.idiag_states = ~uint32_t{0};
  request.socket.id.idiag_sport = port;
  memcpy(request.socket.id.idiag_src, address,
         family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr));
  request.socket.id.idiag_cookie[0] = request.socket.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

// Of what the kernel answers, what it always says; the rest is cut off.
struct DiagAnswer {
  nlmsghdr header;
  inet_diag_msg socket;
};

// False: there is no such socket, or the kernel does not tell.
bool Ask(const Request& request, DiagAnswer* answer) {
  const KeepErrno keep;
  // By the kernel's own calls: no descriptor of the program's is made here.
  const long fd = syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return false;
  memset(answer, 0, sizeof(*answer));
  const bool asked = syscall(SYS_sendto, fd, &request, sizeof(request), MSG_DONTWAIT, nullptr, 0) ==
                     static_cast<long>(sizeof(request));
  // It answers before sendto() returns.
  const bool answered = asked && syscall(SYS_recvfrom, fd, answer, sizeof(*answer), MSG_DONTWAIT,
                                         nullptr, nullptr) == static_cast<long>(sizeof(*answer));
  syscall(SYS_close, fd);
  return answered && answer->header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

// What is mapped into IPv6 is IPv4.
int AddressOf(const sockaddr_storage& name, const void** address, uint16_t* port) {
  const auto& four = reinterpret_cast<const sockaddr_in&>(name);
  const auto& six = reinterpret_cast<const sockaddr_in6&>(name);
  *port = four.sin_port;  // where sin6_port is
  *address = &four.sin_addr;
  if (name.ss_family != AF_INET6) return name.ss_family;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&six.sin6_addr);
  *address = mapped ? &six.sin6_addr.s6_addr[12] : six.sin6_addr.s6_addr;
  return mapped ? AF_INET : AF_INET6;
}

}  // namespace

bool IsListening(int family, const void* address, uint16_t port) {
  DiagAnswer answer;
  return Ask(RequestFor(family, address, port), &answer);
}

uint64_t InodeOfStream(const sockaddr_storage& name, const sockaddr_storage& peer) {
  const void* own_address = nullptr;
  const void* peer_address = nullptr;
  uint16_t own_port = 0, peer_port = 0;
  const int family = AddressOf(name, &own_address, &own_port);
  if (AddressOf(peer, &peer_address, &peer_port) != family) return 0;
  Request request = RequestFor(family, own_address, own_port);
  request.socket.id.idiag_dport = peer_port;
  memcpy(request.socket.id.idiag_dst, peer_address,
         family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr));
  DiagAnswer answer;
  return Ask(request, &answer) ? answer.socket.idiag_inode : 0;
}

}  // namespace trireme
