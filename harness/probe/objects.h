#ifndef TRIREME_HARNESS_PROBE_OBJECTS_H_
#define TRIREME_HARNESS_PROBE_OBJECTS_H_

#include "harness/probe/descriptors.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// The table of objects behind a recording's header. Null where the harness made none.
trireme_object* ObjectAt(trireme_header* header, uint32_t index);
// The object of a descriptor, found again or given a free place. Null when too many are in use.
trireme_object* FindObject(trireme_header* header, Descriptor* descriptor);
// Whether it is still that one: a place without a waiter may be given to another object at any time.
bool IsObject(const trireme_object* object, const ObjectId& id);
// A wait that cannot be followed, for want of a place: the trial says so.
inline void CountUnseen(trireme_header* header) {
  __atomic_fetch_add(&header->unseen, 1, __ATOMIC_RELAXED);
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OBJECTS_H_
