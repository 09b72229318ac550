#ifndef TRIREME_HARNESS_PROBE_OVERLAPS_H_
#define TRIREME_HARNESS_PROBE_OVERLAPS_H_

#include <stdint.h>

#include "harness/probe/waits.h"

namespace trireme {

// Two threads of this process that are inside a call each which reads one stream socket, at the same time: neither waits, as
// where an edge-triggered set tells both of its threads, and yet nobody says whose bytes come first. Who comes second cannot
// tell whether the call of the first still lasts or was left by longjmp, so it marks that one's word, and the first tells of
// both when its call ends. Whoever hands a socket over has left its call before.
//
// Thread safety: any threads; nothing waits or allocates.

// The calling thread begins `wait`, and finds another one inside.
void MarkOverlap(const Wait& wait, const Descriptor& descriptor, const void* place);
// The end of a call, which gave `result`, before its word goes: the mark is taken away, and if it took something it is told of.
void EndOverlap(const Wait& wait, int64_t result);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OVERLAPS_H_
