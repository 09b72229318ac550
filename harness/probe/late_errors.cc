#include "harness/probe/late_errors.h"

#include <errno.h>
#include <stdint.h>

#include "harness/probe/connections.h"
#include "harness/probe/descriptors.h"
#include "harness/probe/held_back.h"

namespace trireme {
namespace {

// The plan's number above, the errno below; atomic. Pages that nobody touches cost nothing.
uint32_t late_errors[kDescriptors];
uint32_t plan_of_errors = 1;  // atomic
bool any_late = false;        // atomic: ever

uint32_t Word(int error) {
  return __atomic_load_n(&plan_of_errors, __ATOMIC_RELAXED) << 16 | static_cast<uint32_t>(error);
}

// 0: it has none.
uint32_t Find(int fd) {
  if (!__atomic_load_n(&any_late, __ATOMIC_ACQUIRE)) return 0;
  if (static_cast<unsigned>(fd) >= kDescriptors) return 0;
  const uint32_t word = __atomic_load_n(&late_errors[fd], __ATOMIC_ACQUIRE);
  return word >> 16 == Word(0) >> 16 ? word : 0;
}

}  // namespace

void SetLateError(int fd, int error) {
  if (static_cast<unsigned>(fd) >= kDescriptors) return;
  __atomic_store_n(&late_errors[fd], Word(error), __ATOMIC_RELEASE);
  __atomic_store_n(&any_late, true, __ATOMIC_RELEASE);
}

int TakeLateError(int fd) {
  uint32_t word = Find(fd);
  if (word == 0 || HeldBackUntil(fd, kWrite) != 0) return 0;
  // Of several that ask one is told.
  if (!__atomic_compare_exchange_n(&late_errors[fd], &word, 0, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_RELAXED))
    return 0;
  CloseEnd(fd);
  return static_cast<int>(word & 0xffff);
}

int TellConnectAgain(int fd) {
  if (Find(fd) == 0) return 0;
  return HeldBackUntil(fd, kWrite) != 0 ? EALREADY : TakeLateError(fd);
}

void ForgetLateError(int fd) {
  if (Find(fd) != 0) __atomic_store_n(&late_errors[fd], 0, __ATOMIC_RELEASE);
}

void ForgetAllLateErrors() { __atomic_add_fetch(&plan_of_errors, 1, __ATOMIC_RELAXED); }

}  // namespace trireme
