#include "harness/probe/late_errors.h"

#include <errno.h>

#include "harness/probe/connections.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

// Of the connection that was there when it was set, which its number says: places are given out again. Pages that nobody
// touches cost nothing.
struct LateError {
  uint32_t word;  // atomic: the plan's number above, the errno below
  uint64_t connection;
  uint64_t set;  // when
  uint64_t due;
};
LateError late_errors[kConnections];
uint32_t plan_of_errors = 1;  // atomic
bool any_late = false;        // atomic: ever
uint64_t forked = 0;          // when this process was; what was set before is due

uint32_t Word(int error) {
  return __atomic_load_n(&plan_of_errors, __ATOMIC_RELAXED) << 16 | static_cast<uint32_t>(error);
}

LateError* PlaceOf(const ConnectionEnd& end) {
  const bool known = end.connection != nullptr && end.side == kClient;
  return known ? &late_errors[IndexOf(end.connection)] : nullptr;
}

// Null: it has none.
LateError* Find(int fd) {
  if (!__atomic_load_n(&any_late, __ATOMIC_ACQUIRE)) return nullptr;
  const ConnectionEnd end = EndOf(fd);
  LateError* late = PlaceOf(end);
  if (late == nullptr) return nullptr;
  const uint32_t word = __atomic_load_n(&late->word, __ATOMIC_ACQUIRE);
  const bool has = word >> 16 == Word(0) >> 16 && late->connection == end.connection->number;
  return has ? late : nullptr;
}

bool IsDue(const LateError& late) { return late.set <= forked || late.due <= Now(); }

}  // namespace

void SetLateError(int fd, int error, uint64_t due) {
  const ConnectionEnd end = EndOf(fd);
  LateError* late = PlaceOf(end);
  if (late == nullptr) return;
  late->connection = end.connection->number;
  late->set = Now();
  late->due = due;
  __atomic_store_n(&late->word, Word(error), __ATOMIC_RELEASE);
  __atomic_store_n(&any_late, true, __ATOMIC_RELEASE);
}

int TakeLateError(int fd) {
  LateError* late = Find(fd);
  if (late == nullptr || !IsDue(*late)) return 0;
  // Of several that ask one is told.
  const uint32_t word = __atomic_exchange_n(&late->word, 0, __ATOMIC_ACQ_REL);
  if (word == 0) return 0;
  CloseAllOfEnd(fd);
  return static_cast<int>(word & 0xffff);
}

int TellConnectAgain(int fd) {
  const LateError* late = Find(fd);
  if (late == nullptr) return 0;
  return IsDue(*late) ? TakeLateError(fd) : EALREADY;
}

void TellLateErrorsAtOnceInChild() { forked = Now(); }

void ForgetAllLateErrors() { __atomic_add_fetch(&plan_of_errors, 1, __ATOMIC_RELAXED); }

}  // namespace trireme
