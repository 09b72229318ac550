#include "harness/probe/own_thread.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/next.h"

namespace trireme {
namespace {

constexpr size_t kOwnStackSize = 256 * 1024;  // of addresses: what is not touched is not there
int own_threads = 0;

// In libpthread before glibc 2.34: a program without it has one thread, and no loop that another could watch.
struct ThreadFunctions {
  int (*create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  int (*init)(pthread_attr_t*);
  int (*set_stack_size)(pthread_attr_t*, size_t);
  int (*set_detached)(pthread_attr_t*, int);
  int (*destroy)(pthread_attr_t*);
};

template <typename T>
bool FindFunction(const char* name, T* place) {
  void* symbol = dlsym(RTLD_NEXT, name);  // not ours, which a plan may let fail
  __builtin_memcpy(place, &symbol, sizeof(symbol));
  return symbol != nullptr;
}

bool FindThreadFunctions(ThreadFunctions* found) {
  return FindFunction("pthread_create", &found->create) &&
         FindFunction("pthread_attr_init", &found->init) &&
         FindFunction("pthread_attr_setstacksize", &found->set_stack_size) &&
         FindFunction("pthread_attr_setdetachstate", &found->set_detached) &&
         FindFunction("pthread_attr_destroy", &found->destroy);
}

}  // namespace

bool StartOwnThread(void* (*run)(void*)) {
  ThreadFunctions threads{};
  pthread_attr_t attributes;
  if (!FindThreadFunctions(&threads) || threads.init(&attributes) != 0) return false;
  threads.set_stack_size(&attributes, kOwnStackSize);
  threads.set_detached(&attributes, PTHREAD_CREATE_DETACHED);
  // A thread inherits what its maker blocks: all, but for the two that the C library sends to its threads, and then waits
  // for.
  const uint64_t all = ~(uint64_t{3} << 31);
  uint64_t before = 0;
  syscall(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &before, sizeof(all));
  pthread_t thread;
  const bool started = threads.create(&thread, &attributes, run, nullptr) == 0;
  syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &before, nullptr, sizeof(before));
  threads.destroy(&attributes);
  if (started) __atomic_fetch_add(&own_threads, 1, __ATOMIC_RELAXED);
  return started;
}

void NameOwnThread() { syscall(SYS_prctl, PR_SET_NAME, kOwnThreadName, 0, 0, 0); }

int OwnThreads() { return __atomic_load_n(&own_threads, __ATOMIC_RELAXED); }
void OwnThreadEnds() { __atomic_fetch_sub(&own_threads, 1, __ATOMIC_RELAXED); }
void ForgetOwnThreads() { __atomic_store_n(&own_threads, 0, __ATOMIC_RELAXED); }

void SleepFor(uint64_t nanoseconds) {
  const struct timespec time = {.tv_sec = static_cast<time_t>(nanoseconds / 1000000000u),
                                .tv_nsec = static_cast<long>(nanoseconds % 1000000000u)};
  syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace trireme
