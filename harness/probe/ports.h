#ifndef TRIREME_HARNESS_PROBE_PORTS_H_
#define TRIREME_HARNESS_PROBE_PORTS_H_

#include <stdint.h>
#include <sys/socket.h>

namespace trireme {

// Binds to each second of `count` ports from `first` on, at a guess, as the kernel gives clients and servers each their half: a
// client that is given the very port to which it connects, and where nobody listens any more, is connected to itself. False
// and an errno where it did not: EADDRINUSE after some guesses, and the port of `address` is 0 then. REQUIRES: an address of the
// internet.
bool BindToPortOf(int fd, sockaddr_storage* address, socklen_t size, uint16_t first,
                  uint16_t count);

// Binds a socket for which any port will do to one that no other trial is given, while this one runs: a client of a server that
// has ended must find nobody there, and not the server of another trial, to which the kernel gave the same port. False where
// that is for the kernel to do.
bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PORTS_H_
