#ifndef TRIREME_HARNESS_FAULT_CALL_ERRORS_H_
#define TRIREME_HARNESS_FAULT_CALL_ERRORS_H_

#include <cstdint>

namespace trireme {

// Which calls, as bits 1 << trireme_fault_call, can fail with that errno on Linux: by their man pages (section 2, and
// socket, ip, tcp, udp and unix of section 7), and by what stands behind a descriptor and adds its own: the network and
// its peer, a file system that is a server or a program (NFS, FUSE), a driver. None of getaddrinfo, whose errors are EAI_ codes.
uint32_t CallsThatFailWith(int code);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_CALL_ERRORS_H_
