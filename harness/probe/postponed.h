#ifndef TRIREME_HARNESS_PROBE_POSTPONED_H_
#define TRIREME_HARNESS_PROBE_POSTPONED_H_

#include "harness/probe/faulty_transfer.h"

namespace trireme {

// Datagrams that are sent after the next one of their socket; where none comes, when that is closed or the program ends or
// becomes another, and by a thread of ours after a tenth of a second: a late one is late, never lost. A few at once, with what
// goes beside their bytes: addresses, control data, and duplicates of descriptors, so that the program may close its own.

enum class Postponing : uint8_t {
  kDone,
  kNoPlace,      // as many are kept as there is room for
  kTooLarge,     // for a place, by its bytes
  kTooMuchData,  // by its control data
  kNoPart,       // MSG_MORE: it is part of a datagram
  kNoCopy,       // MSG_ZEROCOPY: it stays in the program's memory
  kForKernel     // the kernel takes it or not: its address, control data or descriptors are not as they should be
};

// Of the pieces the first `size` bytes, `copies` times, with the `flags` of the call. But for kDone nothing is kept.
// REQUIRES: `size` <= pieces.size().
Postponing PostponeDatagram(int fd, const Pieces& pieces, uint64_t size, int copies, int flags);
void SendPostponed(int fd);
// Before the number is taken back, or the socket sends no more or to somebody else.
void SendPostponedBeforeClose(int fd);
// Those that go with duplicates of these numbers, which a program may close that closes all it does not know.
void SendPostponedBeforeCloseOf(unsigned first, unsigned last);
void SendAllPostponed();
// The number is another file's by now: what was kept for it goes nowhere.
void DropPostponed(int fd);
// In a forked child: they are the parent's to send.
void ForgetPostponed();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_POSTPONED_H_
