// What takes pages away, or forbids to use them. Of a range that has pages of ours in it, as where a program unmaps all that it
// finds in /proc/self/maps, they are left as they are, and the rest is done: the program lives on, and is still seen. Not by
// Next: an allocator may call these below a lock that dlsym would want.
#include "harness/probe/interpose_memory.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/next.h"
#include "harness/probe/own_memory.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

// By the linker.
extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
}

namespace trireme {
namespace {

constexpr uintptr_t kLeastPage = 4096;

// The function that the program would have called without us, once FindMemoryCalls() has run; the system call before.
template <typename Function>
Function* FoundOr(void* const& place, Function* otherwise) {
  void* found = __atomic_load_n(&place, __ATOMIC_ACQUIRE);
  return found == nullptr ? otherwise : reinterpret_cast<Function*>(found);
}

void* next_munmap = nullptr;
void* next_mprotect = nullptr;
void* next_pkey_mprotect = nullptr;
void* next_madvise = nullptr;
void* next_mremap = nullptr;
void* next_mmap = nullptr;

void FindCall(const char* name, void** place) {
  __atomic_store_n(place, dlsym(RTLD_NEXT, name), __ATOMIC_RELEASE);
}

int UnmapByNumber(void* start, size_t size) {
  return static_cast<int>(syscall(SYS_munmap, start, size));
}
int ProtectByNumber(void* start, size_t size, int protection) {
  return static_cast<int>(syscall(SYS_mprotect, start, size, protection));
}
int ProtectKeyByNumber(void* start, size_t size, int protection, int key) {
  return static_cast<int>(syscall(SYS_pkey_mprotect, start, size, protection, key));
}
int AdviseByNumber(void* start, size_t size, int advice) {
  return static_cast<int>(syscall(SYS_madvise, start, size, advice));
}
void* RemapByNumber(void* start, size_t size, size_t wanted, int flags, void* place) {
  return reinterpret_cast<void*>(syscall(SYS_mremap, start, size, wanted, flags, place));
}
void* MapByNumber(void* start, size_t size, int protection, int flags, int fd, off_t offset) {
  return reinterpret_cast<void*>(syscall(SYS_mmap, start, size, protection, flags, fd, offset));
}

bool HasOwn(const void* start, size_t size) {
  const auto begin = reinterpret_cast<uintptr_t>(start);
  const uintptr_t end = begin + size < begin ? UINTPTR_MAX : begin + size;
  return !FirstOwnMemory(begin, end).empty();
}

// Calls for each part of the range that is not ours. 0, or -1 and the errno of the first that failed.
template <typename Call>
int OnOthers(void* start, size_t size, const Call& call) {
  const auto begin = reinterpret_cast<uintptr_t>(start);
  const uintptr_t end = begin + size;
  // What is no range the kernel refuses.
  if (begin % kLeastPage != 0 || end < begin || !HasOwn(start, size)) [[likely]]
    return call(start, size);
  const int before = errno;
  int error = 0;
  for (uintptr_t next = begin; next < end;) {
    const PageRange own = FirstOwnMemory(next, end);
    const uintptr_t stop = own.empty() ? end : own.begin;
    if (stop > next && call(reinterpret_cast<void*>(next), stop - next) != 0 && error == 0)
      error = errno;
    next = own.empty() ? end : own.end;
  }
  errno = error == 0 ? before : error;
  return error == 0 ? 0 : -1;
}

void* RefuseMapping(int error) {
  errno = error;
  return MAP_FAILED;
}

void* Map(void* start, size_t size, int protection, int flags, int fd, off_t offset) {
  if ((flags & MAP_FIXED) != 0 && HasOwn(start, size)) return RefuseMapping(ENOMEM);
  return FoundOr(next_mmap, MapByNumber)(start, size, protection, flags, fd, offset);
}

}  // namespace

void FindMemoryCalls() {
  KeepMemory(__ehdr_start, static_cast<size_t>(_end - __ehdr_start));
  FindCall("munmap", &next_munmap);
  FindCall("mprotect", &next_mprotect);
  FindCall("pkey_mprotect", &next_pkey_mprotect);
  FindCall("madvise", &next_madvise);
  FindCall("mremap", &next_mremap);
  FindCall("mmap", &next_mmap);
}

// What they do of it themselves by number has no page of ours in it.
bool TakesOwnMemory(long number, const long* words, long* result) {
  const bool taken = number == SYS_munmap || number == SYS_mprotect || number == SYS_madvise ||
                     number == SYS_pkey_mprotect;
  auto* start = reinterpret_cast<void*>(words[0]);
  const auto size = static_cast<size_t>(words[1]);
  if (!taken || !HasOwn(start, size)) return false;
  const auto how = static_cast<int>(words[2]);
  if (number == SYS_munmap) *result = munmap(start, size);
  if (number == SYS_mprotect) *result = mprotect(start, size, how);
  if (number == SYS_madvise) *result = madvise(start, size, how);
  if (number == SYS_pkey_mprotect)
    *result = pkey_mprotect(start, size, how, static_cast<int>(words[3]));
  return true;
}

}  // namespace trireme

TRIREME_INTERPOSED int munmap(void* start, size_t size) noexcept {
  return trireme::OnOthers(start, size,
                           trireme::FoundOr(trireme::next_munmap, trireme::UnmapByNumber));
}

TRIREME_INTERPOSED int mprotect(void* start, size_t size, int protection) noexcept {
  return trireme::OnOthers(start, size, [&](void* part, size_t length) {
    return trireme::FoundOr(trireme::next_mprotect, trireme::ProtectByNumber)(part, length,
                                                                              protection);
  });
}

TRIREME_INTERPOSED int pkey_mprotect(void* start, size_t size, int protection, int key) noexcept {
  return trireme::OnOthers(start, size, [&](void* part, size_t length) {
    return trireme::FoundOr(trireme::next_pkey_mprotect, trireme::ProtectKeyByNumber)(
        part, length, protection, key);
  });
}

TRIREME_INTERPOSED int madvise(void* start, size_t size, int advice) noexcept {
  return trireme::OnOthers(start, size, [&](void* part, size_t length) {
    return trireme::FoundOr(trireme::next_madvise, trireme::AdviseByNumber)(part, length, advice);
  });
}

TRIREME_INTERPOSED void* mremap(void* start, size_t size, size_t wanted, int flags, ...) noexcept {
  va_list list;
  va_start(list, flags);
  void* place = (flags & MREMAP_FIXED) != 0 ? va_arg(list, void*) : nullptr;
  va_end(list);
  if (trireme::HasOwn(start, size)) return trireme::RefuseMapping(EFAULT);
  if (place != nullptr && trireme::HasOwn(place, wanted)) return trireme::RefuseMapping(ENOMEM);
  return trireme::FoundOr(trireme::next_mremap, trireme::RemapByNumber)(start, size, wanted, flags,
                                                                        place);
}

TRIREME_INTERPOSED void* mmap(void* start, size_t size, int protection, int flags, int fd,
                              off_t offset) noexcept {
  return trireme::Map(start, size, protection, flags, fd, offset);
}

TRIREME_INTERPOSED void* mmap64(void* start, size_t size, int protection, int flags, int fd,
                                off64_t offset) noexcept {
  return trireme::Map(start, size, protection, flags, fd, offset);
}
