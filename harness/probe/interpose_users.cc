// What makes a process another user's. Services start as root and give that up; what they record from then on needs the file,
// which is given to that user before.
#include <stdint.h>
#include <unistd.h>

#include "harness/probe/next.h"
#include "harness/probe/recorder.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

uint32_t given_to = 0;  // atomic

// Before, as only root may give it away; and back where nothing came of it. That user may open it from then on, and so may
// whoever finds its name in the environment of one of that user's processes.
template <typename Call>
int Become(uid_t user, Call call) {
  constexpr uid_t kStays = static_cast<uid_t>(-1);
  const uint32_t before = __atomic_load_n(&given_to, __ATOMIC_RELAXED);
  const bool gives = user != 0 && user != kStays && user != before && geteuid() == 0;
  if (!gives) return call();
  GiveRecordingTo(user);
  const int result = call();
  if (result != 0) GiveRecordingTo(before);
  if (result == 0) __atomic_store_n(&given_to, user, __ATOMIC_RELAXED);
  return result;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int setuid(uid_t user) noexcept {
  static Next<int(uid_t)> next("setuid");
  return trireme::Become(user, [&] { return next(user); });
}

TRIREME_INTERPOSED int seteuid(uid_t user) noexcept {
  static Next<int(uid_t)> next("seteuid");
  return trireme::Become(user, [&] { return next(user); });
}

TRIREME_INTERPOSED int setreuid(uid_t real, uid_t effective) noexcept {
  static Next<int(uid_t, uid_t)> next("setreuid");
  return trireme::Become(effective, [&] { return next(real, effective); });
}

TRIREME_INTERPOSED int setresuid(uid_t real, uid_t effective, uid_t saved) noexcept {
  static Next<int(uid_t, uid_t, uid_t)> next("setresuid");
  return trireme::Become(effective, [&] { return next(real, effective, saved); });
}
