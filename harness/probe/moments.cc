#include "harness/probe/moments.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/glob.h"
#include "harness/probe/keep_errno.h"
#include "harness/probe/loops.h"

namespace trireme {
namespace {

// The harness, which writes to the file, could wake nobody here.
constexpr long kLookInterval = 100'000;  // nanoseconds
static_assert(TRIREME_PLAN_MOMENTS == 64, "who waits knows by a bit each at which");

trireme_moment* moments = nullptr;
uint32_t moment_count = 0;  // 0: there are none to look at
bool any_byte = false;      // whether some of them are bytes

bool IsAt(const trireme_moment& moment, const Entry& entry) {
  const uint64_t compared =
      entry.key.size < sizeof(moment.key) ? entry.key.size : sizeof(moment.key);
  return moment.kind == entry.kind && moment.key_size == entry.key.size &&
         memcmp(moment.key, entry.key.data, compared) == 0;
}

// A byte of that connection at which the harness still has to do something.
bool HoldsBack(const trireme_moment& moment, const trireme_connection& connection) {
  if (moment.kind != TRIREME_MOMENT_BYTE || __atomic_load_n(&moment.passed, __ATOMIC_RELAXED) != 0)
    return false;
  return moment.key[0] == '\0' || MatchesGlob(moment.key, connection.id) ||
         MatchesGlob(moment.key, connection.name);
}

// By number, as all that a clock fault must not reach.
void WaitFor(const trireme_moment& moment) {
  const KeepErrno keep;
  const LoopPause pause;
  while (__atomic_load_n(&moment.passed, __ATOMIC_ACQUIRE) == 0) {
    const timespec interval = {0, kLookInterval};
    syscall(SYS_nanosleep, &interval, nullptr);
  }
}

// All are counted before it waits at the first.
template <typename IsThere>
void LookAtMoments(uint32_t count, IsThere is_there) {
  uint64_t reached = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (is_there(moments[i])) {
      const uint64_t come = __atomic_add_fetch(&moments[i].seen, 1, __ATOMIC_ACQ_REL);
      // Of a byte also who comes after: the reader may be the first to say that it moved, and its writer would write on.
      if (come == moments[i].count || moments[i].kind == TRIREME_MOMENT_BYTE)
        reached |= uint64_t{1} << i;
    }
  for (uint32_t i = 0; i < count; ++i)
    if ((reached >> i & 1) != 0) WaitFor(moments[i]);
}

[[gnu::noinline]] void LookAtEvents(const Entry& entry, uint32_t count) {
  LookAtMoments(count, [&](const trireme_moment& moment) { return IsAt(moment, entry); });
}

// 0 where none is a byte.
uint32_t CountWithBytes() {
  const uint32_t count = __atomic_load_n(&moment_count, __ATOMIC_ACQUIRE);
  return any_byte ? count : 0;
}

}  // namespace

void FollowMoments(trireme_header* header) {
  __atomic_store_n(&moment_count, 0, __ATOMIC_RELEASE);
  if (header == nullptr || header->plan_size < sizeof(trireme_plan)) return;
  const auto* plan = reinterpret_cast<const trireme_plan*>(header->plan);
  if (plan->version != TRIREME_PLAN_VERSION || plan->moments == 0) return;
  moments = reinterpret_cast<trireme_moment*>(reinterpret_cast<char*>(header) + plan->moments_at);
  const uint32_t count =
      plan->moments < TRIREME_PLAN_MOMENTS ? plan->moments : TRIREME_PLAN_MOMENTS;
  any_byte = false;
  for (uint32_t i = 0; i < count; ++i)
    any_byte = any_byte || moments[i].kind == TRIREME_MOMENT_BYTE;
  __atomic_store_n(&moment_count, count, __ATOMIC_RELEASE);
}

void WaitAtMoment(const Entry& entry) {
  if (entry.kind != TRIREME_INVOKE && entry.kind != TRIREME_OBSERVE) return;
  const uint32_t count = __atomic_load_n(&moment_count, __ATOMIC_ACQUIRE);
  if (count != 0) LookAtEvents(entry, count);
}

uint64_t BytesToMoment(const trireme_connection& connection, uint64_t moved) {
  uint64_t least = ~uint64_t{0};
  const uint32_t count = CountWithBytes();
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t offset = moments[i].offset;
    if (offset >= moved && offset - moved < least && HoldsBack(moments[i], connection))
      least = offset - moved + 1;
  }
  return least;
}

void WaitAtByte(const trireme_connection& connection, uint64_t moved) {
  const uint32_t count = CountWithBytes();
  if (count == 0) return;
  LookAtMoments(count, [&](const trireme_moment& moment) {
    return moment.offset < moved && HoldsBack(moment, connection);
  });
}

}  // namespace trireme
