#include "harness/probe/thread_end.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

extern "C" {
extern void* __dso_handle;
// pthread_key_create is in another library before glibc 2.34; this one is in libc since 2.18.
int __cxa_thread_atexit_impl(void (*function)(void*), void* argument, void* dso);
}

namespace trireme {
namespace {

// As much as malloc() takes from the kernel at a time, and then some.
constexpr size_t kRoom = size_t{1} << 20;

// Asked only where a limit is set: it is two system calls more.
bool MayMapMore() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  void* memory = mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, kRoom);
  return true;
}

}  // namespace

bool CallAtThreadEnd(void (*function)(void*), void* argument) {
  return MayMapMore() && __cxa_thread_atexit_impl(function, argument, &__dso_handle) == 0;
}

}  // namespace trireme
