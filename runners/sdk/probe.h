#ifndef TRIREME_RUNNERS_SDK_PROBE_H_
#define TRIREME_RUNNERS_SDK_PROBE_H_

#include <cstdint>
#include <string_view>

#include "harness/probe/probe_abi.h"
#include "trireme/value.h"

namespace trireme {

namespace internal {
extern const trireme_probe_api* current_probe;
}

// The preloaded probe's functions; ones that do nothing but number tasks and operations when it was
// not preloaded. Thread safety: any threads.
inline const trireme_probe_api& Probe() { return *internal::current_probe; }

// Nanoseconds of the monotonic clock as the workload sees it. A fault may move it, and what waits until a time goes by it;
// Probe().now() is the true time.
int64_t ShownNow();

// Tests put a recorder of their own here. REQUIRES: `api` lives for ever; no other thread uses the
// probe meanwhile.
void ReplaceProbe(const trireme_probe_api& api);

// An event of the calling thread's current task.
void Record(trireme_event kind, uint64_t id, std::string_view key, const Value& value = {});
void RecordFor(uint32_t task, trireme_event kind, uint64_t id, std::string_view key,
               const Value& value = {});

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_PROBE_H_
