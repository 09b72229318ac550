#ifndef TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_
#define TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_

#include <sys/epoll.h>

namespace trireme {

// Records what an epoll set has just told of, as USAGE `ready`: its descriptors, as far as /proc says which one each event
// is of. Cold: system calls.
void TellReady(int set, const epoll_event* events, int count);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_
