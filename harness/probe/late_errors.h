#ifndef TRIREME_HARNESS_PROBE_LATE_ERRORS_H_
#define TRIREME_HARNESS_PROBE_LATE_ERRORS_H_

namespace trireme {

// Connects that do not block and that a plan lets fail late: they are said to be in progress, and are held back (held_back.h)
// until the error is there. It is told once, as the kernel does: by SO_ERROR, another connect or the next transfer.
//
// Thread safety: any threads. Copies of the descriptor do not know of it. A forked child is told at once.

// REQUIRES: HoldBack() of both directions.
void SetLateError(int fd, int error);
// 0: there is none, or its time has not come. The connection ends with it.
int TakeLateError(int fd);
// What another connect(2) is told; 0: it is the kernel's to say.
int TellConnectAgain(int fd);
// The number is given out or taken back.
void ForgetLateError(int fd);
// Another plan holds now.
void ForgetAllLateErrors();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LATE_ERRORS_H_
