#ifndef TRIREME_HARNESS_ENGINE_GUARDIAN_PROCESS_H_
#define TRIREME_HARNESS_ENGINE_GUARDIAN_PROCESS_H_

#include "harness/engine/guardian.h"
#include "harness/protocol/channel.h"

namespace trireme {

// The body of the guardian process: serves `channel` until the harness is gone, then ends all
// descendants. Messages: spawn {token, argv, environment, directory, input, output} with the
// descriptors, end {pid}; answers started {token, pid}, failed {token, errno}, exited {pid, status,
// orphans}. Both ends are one program, so no version. Removes what the harness may have left in control
// groups, too.
[[noreturn]] void RunGuardian(Channel channel, const GuardianOptions& options);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_GUARDIAN_PROCESS_H_
