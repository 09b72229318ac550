#ifndef TRIREME_HARNESS_PROBE_LATE_ERRORS_H_
#define TRIREME_HARNESS_PROBE_LATE_ERRORS_H_

#include <stdint.h>

namespace trireme {

// Connects that do not block and that a plan lets fail late: they are said to be in progress, and are held back (held_back.h)
// until the error is there. It is told once, as the kernel does, whichever of the connection's descriptors asks: by SO_ERROR,
// another connect or the next transfer.
//
// Thread safety: any threads. A forked child is told at once, as nothing is held back there.

// `due`: by the clock of records. REQUIRES: the descriptor has its connection.
void SetLateError(int fd, int error, uint64_t due);
// 0: there is none, or its time has not come. The connection ends with it.
int TakeLateError(int fd);
// What another connect(2) is told; 0: it is the kernel's to say.
int TellConnectAgain(int fd);
void TellLateErrorsAtOnceInChild();
// Another plan holds now.
void ForgetAllLateErrors();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LATE_ERRORS_H_
