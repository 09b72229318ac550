#ifndef TRIREME_HARNESS_PROBE_PORTS_H_
#define TRIREME_HARNESS_PROBE_PORTS_H_

#include <sys/socket.h>

namespace trireme {

// Which port a socket gets for which any will do. Connections that are over keep theirs for a minute, tens of thousands of them
// where trials follow one another. As the kernel does, servers get one half of all ports and clients the other: a client that
// is given the very port to which it connects, and where nobody listens any more, is connected to itself.

// Of a server, or of a client that the program itself binds, one that no other trial of this run is given meanwhile: a client
// of a server that has ended must find nobody there, and not the server of another trial, to which the kernel gave the same
// port. False where that is for the kernel to do.
bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size);

// Binds a client, before it connects, to one that this trial has given nobody yet. False and an errno where it did not.
// REQUIRES: an address of the internet, without a port.
bool BindClient(int fd, sockaddr_storage* any, socklen_t size);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PORTS_H_
