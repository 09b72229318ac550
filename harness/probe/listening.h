#ifndef TRIREME_HARNESS_PROBE_LISTENING_H_
#define TRIREME_HARNESS_PROBE_LISTENING_H_

#include <stdint.h>
#include <sys/socket.h>

namespace trireme {

// Whether the kernel knows a socket of TCP that listens where a connection to that address would arrive, in whichever process.
// Connects to nothing. `address`: in_addr or in6_addr; `port`: network order.
//
// False also where the kernel does not tell: without sock_diag(7), or a descriptor to ask with.
bool IsListening(int family, const void* address, uint16_t port);

// The inode of the socket of TCP that has this name and that peer; 0: nobody has it open any more, or the kernel does not tell.
uint64_t InodeOfStream(const sockaddr_storage& name, const sockaddr_storage& peer);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LISTENING_H_
