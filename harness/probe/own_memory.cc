#include "harness/probe/own_memory.h"

#include <unistd.h>

namespace trireme {
namespace {

// A thread has at most two chunks of the recording.
constexpr int kOwnRanges = 1024;

// Free while `begin` is 0, and not to be believed while `end` is.
PageRange own_ranges[kOwnRanges];
int own_range_count = 0;  // all that were ever used are before this one

bool ReadOwnRange(const PageRange& entry, PageRange* range) {
  range->begin = __atomic_load_n(&entry.begin, __ATOMIC_ACQUIRE);
  range->end = __atomic_load_n(&entry.end, __ATOMIC_ACQUIRE);
  return !range->empty() && __atomic_load_n(&entry.begin, __ATOMIC_ACQUIRE) == range->begin;
}

void RaiseCount(int count) {
  int known = __atomic_load_n(&own_range_count, __ATOMIC_RELAXED);
  while (known < count && !__atomic_compare_exchange_n(&own_range_count, &known, count, true,
                                                       __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
}

}  // namespace

void KeepMemory(const void* start, size_t size) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = reinterpret_cast<uintptr_t>(start) & ~(page - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(start) + size + page - 1) & ~(page - 1);
  for (int i = 0; i < kOwnRanges; ++i) {
    uintptr_t none = 0;
    if (!__atomic_compare_exchange_n(&own_ranges[i].begin, &none, begin, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
      continue;
    __atomic_store_n(&own_ranges[i].end, end, __ATOMIC_RELEASE);
    return RaiseCount(i + 1);
  }
}

void ReleaseMemory(const void* start) {
  const auto begin = reinterpret_cast<uintptr_t>(start);
  const int count = __atomic_load_n(&own_range_count, __ATOMIC_ACQUIRE);
  for (int i = 0; i < count; ++i) {
    if (__atomic_load_n(&own_ranges[i].begin, __ATOMIC_RELAXED) != begin) continue;
    __atomic_store_n(&own_ranges[i].end, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&own_ranges[i].begin, 0, __ATOMIC_RELEASE);
    return;
  }
}

PageRange FirstOwnMemory(uintptr_t begin, uintptr_t end) {
  PageRange first;
  const int count = __atomic_load_n(&own_range_count, __ATOMIC_ACQUIRE);
  for (int i = 0; i < count; ++i) {
    PageRange range;
    if (!ReadOwnRange(own_ranges[i], &range) || range.end <= begin || range.begin >= end) continue;
    if (first.empty() || range.begin < first.begin) first = range;
  }
  return first;
}

}  // namespace trireme
