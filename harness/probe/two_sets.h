#ifndef TRIREME_HARNESS_PROBE_TWO_SETS_H_
#define TRIREME_HARNESS_PROBE_TWO_SETS_H_

#include <stdint.h>

#include "harness/probe/waits.h"

namespace trireme {

// Sockets that two epoll sets hold, at least one of them edge-triggered. Two threads that wait each in one of them are two
// readers where both sets hold it for reading and nothing else: also where the other one is of another process, whose
// threads the kernel is asked for. Libraries register once and for all,
// for all that may ever happen, whether anybody reads or not: there, once each has read while the other waited, since a
// socket that was handed over, and left in the set that it was in, does not come back.
//
// Thread safety: any threads and forked children.

// A set tells of that object, by a descriptor `fd`, to all who wait there; or does so no more.
void NoteHeldBySet(const ObjectId& id, int fd, uint32_t set, bool for_reads);
void NoteLeftSet(const ObjectId& id, uint32_t set);
// A set of that process holds it edge-triggered, too. REQUIRES: NoteHeldBySet() of one of ours.
void NoteHeldElsewhere(const ObjectId& id, uint32_t process);

// The calling thread is about to read a socket. REQUIRES: it is inside `wait`; SetsAreShared().
void MeetAtTwoSets(const Wait& wait, uint64_t size, const Caller& caller);

// After fork, and for another recording.
void ForgetTwoSets();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_TWO_SETS_H_
