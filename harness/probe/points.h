#ifndef TRIREME_HARNESS_PROBE_POINTS_H_
#define TRIREME_HARNESS_PROBE_POINTS_H_

#include <stdint.h>

namespace trireme {

struct Entry;

// A TASK_START event that is recorded: who is born when decides which tasks suffer a fault that strikes only so many.
void NoteBirth(const Entry& start);

// What trireme_probe_api.point does; see there.
int ComeToPoint(const char* path, const char* name, uint64_t ordinal);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_POINTS_H_
