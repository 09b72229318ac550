// The clocks that a program reads, and what waits until a time by one of them. A fault moves the first, so the second must be
// moved back: else a program that asked a clock which is an hour ahead for its deadline would sleep for that hour.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/clock_faults.h"
#include "harness/probe/next.h"

#if defined(__x86_64__)
__asm__(".symver dlvsym,dlvsym@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlvsym,dlvsym@GLIBC_2.17");
#endif

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

using WaitCondition = int(pthread_cond_t*, pthread_mutex_t*, const timespec*);

// On x86-64 there are two of them, for two kinds of condition variables, and before glibc 2.36 dlsym finds the old one.
WaitCondition* FindWaitCondition() {
  static void* found = nullptr;
  void* function = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
  if (function != nullptr) return reinterpret_cast<WaitCondition*>(function);
#if defined(__x86_64__)
  function = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
#endif
  if (function == nullptr) function = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  __atomic_store_n(&found, function, __ATOMIC_RELEASE);
  return reinterpret_cast<WaitCondition*>(function);
}

// Calls a function that this C library may be too old for with the deadline that is meant; it returns its error.
template <typename Function, typename... Arguments>
int WaitUntil(Next<Function>& next, clockid_t clock, const timespec* deadline,
              Arguments... before) {
  if (next.get() == nullptr) return ENOSYS;
  const WaitThroughChanges wait;
  timespec place;
  return next(before..., TrueDeadline(clock, deadline, &place));
}

// Out of sight of what a header promises of the argument.
[[gnu::noinline]] bool IsNull(const void* pointer) {
  __asm__("" : "+r"(pointer));
  return pointer == nullptr;
}

timespec ShownTime() {
  timespec time{};
  TrueClock(CLOCK_REALTIME, &time);
  ShowClock(CLOCK_REALTIME, &time);
  return time;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = trireme::TrueClock(clock, time);
  if (trireme::HasClockFaults() && result == 0) [[unlikely]]
    trireme::ShowClock(clock, time);
  return result;
}

TRIREME_INTERPOSED int gettimeofday(timeval* time, void* zone) noexcept {
  static Next<int(timeval*, void*)> next("gettimeofday");
  const int result = next(time, zone);
  if (!trireme::HasClockFaults() || result != 0 || trireme::IsNull(time)) [[likely]]
    return result;
  const timespec shown = trireme::ShownTime();
  *time = {.tv_sec = shown.tv_sec, .tv_usec = shown.tv_nsec / 1000};
  return result;
}

TRIREME_INTERPOSED time_t time(time_t* place) noexcept {
  static Next<time_t(time_t*)> next("time");
  if (!trireme::HasClockFaults()) [[likely]]
    return next(place);
  const time_t seconds = trireme::ShownTime().tv_sec;
  if (place != nullptr) *place = seconds;
  return seconds;
}

TRIREME_INTERPOSED int timespec_get(timespec* time, int base) noexcept {
  static Next<int(timespec*, int)> next("timespec_get");
  const int result = next(time, base);
  if (result == TIME_UTC && trireme::HasClockFaults()) *time = trireme::ShownTime();
  return result;
}

TRIREME_INTERPOSED int nanosleep(const timespec* length, timespec* rest) {
  static Next<int(const timespec*, timespec*)> next("nanosleep");
  const trireme::WaitThroughChanges wait;
  timespec place;
  return next(trireme::LaterTimeout(length, &place), rest);
}

TRIREME_INTERPOSED int clock_nanosleep(clockid_t clock, int flags, const timespec* time,
                                       timespec* rest) {
  static Next<int(clockid_t, int, const timespec*, timespec*)> next("clock_nanosleep");
  const trireme::WaitThroughChanges wait;
  timespec place;
  const timespec* meant = (flags & TIMER_ABSTIME) != 0 ? trireme::TrueDeadline(clock, time, &place)
                                                       : trireme::LaterTimeout(time, &place);
  return next(clock, flags, meant, rest);
}

TRIREME_INTERPOSED int usleep(useconds_t microseconds) {
  static Next<int(useconds_t)> next("usleep");
  if (!trireme::HasClockFaults()) return next(microseconds);
  const timespec length = {.tv_sec = microseconds / 1000000,
                           .tv_nsec = static_cast<long>(microseconds % 1000000) * 1000};
  return nanosleep(&length, nullptr);
}

TRIREME_INTERPOSED unsigned int sleep(unsigned int seconds) {
  static Next<unsigned int(unsigned int)> next("sleep");
  if (!trireme::HasClockFaults()) return next(seconds);
  const timespec length = {.tv_sec = seconds, .tv_nsec = 0};
  timespec rest{};
  if (nanosleep(&length, &rest) == 0) return 0;
  return static_cast<unsigned int>(rest.tv_sec) + (rest.tv_nsec >= 500000000 ? 1U : 0U);
}

TRIREME_INTERPOSED int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                              const timespec* deadline) {
  auto* next = trireme::FindWaitCondition();
  if (next == nullptr) return ENOSYS;
  const trireme::WaitThroughChanges wait;
  timespec place;
  // The clock is an attribute of the condition, which cannot be asked for.
  return next(condition, mutex, trireme::TrueDeadline(trireme::kUnknownClock, deadline, &place));
}

TRIREME_INTERPOSED int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                              clockid_t clock, const timespec* deadline) {
  static Next<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)> next(
      "pthread_cond_clockwait");
  return trireme::WaitUntil(next, clock, deadline, condition, mutex, clock);
}

TRIREME_INTERPOSED int pthread_mutex_timedlock(pthread_mutex_t* mutex,
                                               const timespec* deadline) noexcept {
  static Next<int(pthread_mutex_t*, const timespec*)> next("pthread_mutex_timedlock");
  return trireme::WaitUntil(next, CLOCK_REALTIME, deadline, mutex);
}

TRIREME_INTERPOSED int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                               const timespec* deadline) noexcept {
  static Next<int(pthread_mutex_t*, clockid_t, const timespec*)> next("pthread_mutex_clocklock");
  return trireme::WaitUntil(next, clock, deadline, mutex, clock);
}

TRIREME_INTERPOSED int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock,
                                                  const timespec* deadline) noexcept {
  static Next<int(pthread_rwlock_t*, const timespec*)> next("pthread_rwlock_timedrdlock");
  return trireme::WaitUntil(next, CLOCK_REALTIME, deadline, lock);
}

TRIREME_INTERPOSED int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock,
                                                  const timespec* deadline) noexcept {
  static Next<int(pthread_rwlock_t*, const timespec*)> next("pthread_rwlock_timedwrlock");
  return trireme::WaitUntil(next, CLOCK_REALTIME, deadline, lock);
}

TRIREME_INTERPOSED int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock,
                                                  const timespec* deadline) noexcept {
  static Next<int(pthread_rwlock_t*, clockid_t, const timespec*)> next(
      "pthread_rwlock_clockrdlock");
  return trireme::WaitUntil(next, clock, deadline, lock, clock);
}

TRIREME_INTERPOSED int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock,
                                                  const timespec* deadline) noexcept {
  static Next<int(pthread_rwlock_t*, clockid_t, const timespec*)> next(
      "pthread_rwlock_clockwrlock");
  return trireme::WaitUntil(next, clock, deadline, lock, clock);
}

TRIREME_INTERPOSED int pthread_timedjoin_np(pthread_t thread, void** result,
                                            const timespec* deadline) {
  static Next<int(pthread_t, void**, const timespec*)> next("pthread_timedjoin_np");
  return trireme::WaitUntil(next, CLOCK_REALTIME, deadline, thread, result);
}

TRIREME_INTERPOSED int pthread_clockjoin_np(pthread_t thread, void** result, clockid_t clock,
                                            const timespec* deadline) {
  static Next<int(pthread_t, void**, clockid_t, const timespec*)> next("pthread_clockjoin_np");
  return trireme::WaitUntil(next, clock, deadline, thread, result, clock);
}

TRIREME_INTERPOSED int sem_timedwait(sem_t* semaphore, const timespec* deadline) {
  static Next<int(sem_t*, const timespec*)> next("sem_timedwait");
  const trireme::WaitThroughChanges wait;
  timespec place;
  return next(semaphore, trireme::TrueDeadline(CLOCK_REALTIME, deadline, &place));
}

TRIREME_INTERPOSED int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* deadline) {
  static Next<int(sem_t*, clockid_t, const timespec*)> next("sem_clockwait");
  if (next.get() == nullptr) {
    errno = ENOSYS;
    return -1;
  }
  const trireme::WaitThroughChanges wait;
  timespec place;
  return next(semaphore, clock, trireme::TrueDeadline(clock, deadline, &place));
}

TRIREME_INTERPOSED int timerfd_settime(int fd, int flags, const itimerspec* time,
                                       itimerspec* before) noexcept {
  static Next<int(int, int, const itimerspec*, itimerspec*)> next("timerfd_settime");
  const bool stops = time == nullptr || (time->it_value.tv_sec == 0 && time->it_value.tv_nsec == 0);
  if (stops || !trireme::HasClockFaults()) return next(fd, flags, time, before);
  itimerspec meant = *time;
  timespec place;
  meant.it_value = (flags & TFD_TIMER_ABSTIME) != 0
                       ? *trireme::TrueDeadline(trireme::kUnknownClock, &time->it_value, &place)
                       : *trireme::LaterTimeout(&time->it_value, &place);
  return next(fd, flags, &meant, before);
}
