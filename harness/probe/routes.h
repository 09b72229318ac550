#ifndef TRIREME_HARNESS_PROBE_ROUTES_H_
#define TRIREME_HARNESS_PROBE_ROUTES_H_

#include <sys/socket.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// Connections that a plan sends through a proxy of the harness; see struct trireme_passage.

// Before connect(2), once it has a connection as its client: where to connect to instead, whose size is returned. 0: to
// `address`; so too where nobody listens, which the kernel then says itself. `own_port`: the one that the kernel is to give
// it; 0: it is bound to one.
socklen_t RouteFor(int fd, uint16_t own_port, const sockaddr* address, socklen_t length,
                   sockaddr_storage* instead);
// After a connect(2) there that could not have that port: nobody comes from it.
void LeaveRoute(uint16_t own_port, const sockaddr_storage& instead);
// After accept(2): what the proxy passes on from `client`, or, with `over`, has passed on from there. Null when it comes from
// elsewhere.
trireme_connection* PassedOnFrom(const sockaddr_storage& client, bool over);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_ROUTES_H_
