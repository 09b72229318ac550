#ifndef TRIREME_HARNESS_PROBE_POSTPONED_H_
#define TRIREME_HARNESS_PROBE_POSTPONED_H_

#include "harness/probe/faulty_transfer.h"

namespace trireme {

// Datagrams that are sent after the next one of their socket; where none comes, when that is closed or the program ends, and
// by a thread of ours after a tenth of a second: a late one is late, never lost. A few at once: false, and nothing is kept,
// where there is no room. Of the pieces the first `size` bytes, `copies` times. REQUIRES: `size` <= pieces.size().
bool PostponeDatagram(int fd, const Pieces& pieces, uint64_t size, int copies);
void SendPostponed(int fd);
void SendPostponedBeforeClose(int fd);
void SendAllPostponed();
// The number is another file's by now: what was kept for it goes nowhere.
void DropPostponed(int fd);
// In a forked child: they are the parent's to send.
void ForgetPostponed();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_POSTPONED_H_
