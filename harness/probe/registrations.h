#ifndef TRIREME_HARNESS_PROBE_REGISTRATIONS_H_
#define TRIREME_HARNESS_PROBE_REGISTRATIONS_H_

#include <stdint.h>

namespace trireme {

// Which epoll sets hold which objects for reading, until one leaves them or is closed. Two sets that both tell of one for as
// long as it can be read are two readers by that alone; what edge-triggered ones are, two_sets.h says.
//
// Thread safety: any threads, signal handlers and forked children; nothing waits or allocates.

// As epoll_ctl(2) did it.
void NoteRegistration(int epoll_fd, int operation, int fd, uint32_t events, const void* caller);

// Before close(2) of it.
void NoteClose(int fd);
void NoteCloseRange(unsigned first, unsigned last);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_REGISTRATIONS_H_
