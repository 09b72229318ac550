#ifndef TRIREME_HARNESS_PROBE_OWN_MEMORY_H_
#define TRIREME_HARNESS_PROBE_OWN_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

namespace trireme {

// Whole pages, [begin, end).
struct PageRange {
  uintptr_t begin = 0;
  uintptr_t end = 0;

  bool empty() const { return begin >= end; }
};

// The pages that the probe cannot do without: its own image, and what it mapped of the recording. The program does not
// know them as its own, but one that takes away all that it finds in /proc/self/maps would: see interpose_memory.cc.
//
// A table of a fixed size; what does not fit is not known. Thread safety: any threads, signal handlers and forked
// children; nobody waits.
void KeepMemory(const void* start, size_t size);
// Before it is unmapped by us.
void ReleaseMemory(const void* start);
// The lowest of ours that overlaps [begin, end); empty: none does.
PageRange FirstOwnMemory(uintptr_t begin, uintptr_t end);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_OWN_MEMORY_H_
