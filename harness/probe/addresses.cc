#include "harness/probe/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace trireme {
namespace {

void AddPort(TextBuffer& text, const char* host, bool brackets, uint16_t port) {
  text.Add(brackets ? "[" : "").Add(host).Add(brackets ? "]:" : ":").AddNumber(ntohs(port));
}

}  // namespace

void AddAddress(TextBuffer& text, const char* name, long call, int fd) {
  Peer peer{{}, sizeof(sockaddr_storage)};
  if (syscall(call, fd, &peer.address, &peer.size) == 0) AddAddress(text, name, peer);
}

void AddAddress(TextBuffer& text, const char* name, const Peer& peer) {
  const auto& [address, size] = peer;
  char host[INET6_ADDRSTRLEN] = "";
  TextBuffer shown;
  if (address.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
    AddPort(shown, host, false, in->sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
    AddPort(shown, host, true, in->sin6_port);
  } else if (address.ss_family == AF_UNIX && size > sizeof(sa_family_t)) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(&address);
    const char* path = un->sun_path[0] == '\0' ? un->sun_path + 1 : un->sun_path;
    shown.Add(path == un->sun_path ? "unix:" : "unix:@").AddBytes(path, strnlen(path, 64));
  }
  if (shown.size() != 0 && shown.size() * 6 + 300 < text.left())
    text.Add(",\"").Add(name).Add("\":\"").AddEscaped(shown.text()).Add("\"");
}

}  // namespace trireme
