#ifndef TRIREME_HARNESS_PROBE_ADDRESSES_H_
#define TRIREME_HARNESS_PROBE_ADDRESSES_H_

#include <sys/socket.h>

#include "harness/probe/text.h"

namespace trireme {

struct Peer {
  sockaddr_storage address;
  socklen_t size;
};

// Adds `,"<name>":"127.0.0.1:4711"` of a socket, by `call`: SYS_getsockname or SYS_getpeername. Nothing where there is no
// address, or no room.
void AddAddress(TextBuffer& text, const char* name, long call, int fd);
// The same of one that is known.
void AddAddress(TextBuffer& text, const char* name, const Peer& peer);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_ADDRESSES_H_
