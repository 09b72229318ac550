#ifndef TRIREME_HARNESS_PROBE_FAULT_LOG_H_
#define TRIREME_HARNESS_PROBE_FAULT_LOG_H_

#include <sys/uio.h>

#include "harness/probe/addresses.h"
#include "harness/probe/connections.h"

namespace trireme {

// What is recorded of faults and connections; the values are in probe_abi.h.

// A fault on a transfer, or (`direction` -1) on another call of that connection or task, `offset` its event's number.
void LogFault(const trireme_fault_rule& rule, const Subject& subject, int direction,
              uint64_t offset, const Outdone& outdone = {});
// One that nobody planned: fiu-ctrl enabled the point.
void LogRemoteFault(const Subject& subject, int direction, uint64_t offset, int error);

// `peer`: where it is about to connect to, and `local` from where; null: the kernel knows.
void LogOpened(const ConnectionEnd& end, const char* kind, int fd, const Peer* peer,
               const Peer* local);
void LogClosed(const ConnectionEnd& end);

// WIRE events, where the plan asks for them.
bool RecordsWire();
void LogBytes(const ConnectionEnd& end, Direction direction, const iovec* parts, int count,
              uint64_t size);
void LogEndOfBytes(const ConnectionEnd& end, Direction direction, int error);

// The name of a call as plans have it.
const char* NameOf(trireme_fault_call call);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_FAULT_LOG_H_
