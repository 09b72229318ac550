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

}  // namespace

bool IsListening(int family, const void* address, uint16_t port) {
  const KeepErrno keep;
  // By the kernel's own calls: no descriptor of the program's is made here.
  const long fd = syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return false;
  const Request request = RequestFor(family, address, port);
  // Of what it answers, the kind says it; the rest is cut off.
  nlmsghdr answer;
  memset(&answer, 0, sizeof(answer));
  const bool asked = syscall(SYS_sendto, fd, &request, sizeof(request), MSG_DONTWAIT, nullptr, 0) ==
                     static_cast<long>(sizeof(request));
  // It answers before sendto() returns.
  const bool answered = asked && syscall(SYS_recvfrom, fd, &answer, sizeof(answer), MSG_DONTWAIT,
                                         nullptr, nullptr) == static_cast<long>(sizeof(answer));
  syscall(SYS_close, fd);
  return answered && answer.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

}  // namespace trireme
