#include "harness/probe/moments.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/keep_errno.h"

namespace trireme {
namespace {

// The harness, which writes to the file, could wake nobody here.
constexpr long kLookInterval = 100'000;  // nanoseconds
static_assert(TRIREME_PLAN_MOMENTS == 64, "who waits knows by a bit each at which");

trireme_moment* moments = nullptr;
uint32_t moment_count = 0;  // 0: there are none to look at

bool IsAt(const trireme_moment& moment, const Entry& entry) {
  const uint64_t compared =
      entry.key.size < sizeof(moment.key) ? entry.key.size : sizeof(moment.key);
  return moment.kind == entry.kind && moment.key_size == entry.key.size &&
         memcmp(moment.key, entry.key.data, compared) == 0;
}

// By number, as all that a clock fault must not reach.
void WaitFor(const trireme_moment& moment) {
  const KeepErrno keep;
  while (__atomic_load_n(&moment.passed, __ATOMIC_ACQUIRE) == 0) {
    const timespec interval = {0, kLookInterval};
    syscall(SYS_nanosleep, &interval, nullptr);
  }
}

// All are counted before it waits at the first.
[[gnu::noinline]] void LookAtMoments(const Entry& entry, uint32_t count) {
  uint64_t reached = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (IsAt(moments[i], entry) &&
        __atomic_add_fetch(&moments[i].seen, 1, __ATOMIC_ACQ_REL) == moments[i].count)
      reached |= uint64_t{1} << i;
  for (uint32_t i = 0; i < count; ++i)
    if ((reached >> i & 1) != 0) WaitFor(moments[i]);
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
  __atomic_store_n(&moment_count, count, __ATOMIC_RELEASE);
}

void WaitAtMoment(const Entry& entry) {
  if (entry.kind != TRIREME_INVOKE && entry.kind != TRIREME_OBSERVE) return;
  const uint32_t count = __atomic_load_n(&moment_count, __ATOMIC_ACQUIRE);
  if (count != 0) LookAtMoments(entry, count);
}

}  // namespace trireme
