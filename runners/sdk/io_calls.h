#ifndef TRIREME_RUNNERS_SDK_IO_CALLS_H_
#define TRIREME_RUNNERS_SDK_IO_CALLS_H_

#include <cstdint>

#include "runners/sdk/io.h"

namespace trireme {

// What the calls of the workload API on descriptors are made of: tried at once, and waited for where the runtime suspends.

// A socket of that type, as the runtime of the current task wants them. Throws IoError.
int MakeSocket(int family, int type);

// The number of the next call in its task. Throws when the task shall stop.
uint64_t NextOrdinal(const char* kind);

// The call's result, -errno, or kWouldWait where it has to go on with IoLater(). Throws IoError EBADF for null and a closed
// descriptor.
int64_t IoNow(const char* kind, uint64_t ordinal, IoState* io, IoCall& call);
// The waiting half of a call, where coroutines suspend: its result, or -errno. `call` must live on.
Task<int64_t> IoLater(const char* kind, uint64_t ordinal, IoState& io, IoCall& call);

// The same number, or an IoError that names the call.
int64_t Checked(int64_t result, const char* what);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_IO_CALLS_H_
