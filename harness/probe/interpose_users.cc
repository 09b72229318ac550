// What makes a process another user's. Services start as root and give that up; what they record from then on needs the file,
// which is given to that user before.
#include <stdint.h>
#include <unistd.h>

#include "harness/probe/next.h"
#include "harness/probe/recorder.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

// Root may open it anyway, and nobody else may give it away.
void NoteUser(uid_t user) {
  constexpr uid_t kStays = static_cast<uid_t>(-1);
  if (user != 0 && user != kStays && geteuid() == 0) GiveRecordingTo(user);
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int setuid(uid_t user) noexcept {
  static Next<int(uid_t)> next("setuid");
  trireme::NoteUser(user);
  return next(user);
}

TRIREME_INTERPOSED int seteuid(uid_t user) noexcept {
  static Next<int(uid_t)> next("seteuid");
  trireme::NoteUser(user);
  return next(user);
}

TRIREME_INTERPOSED int setreuid(uid_t real, uid_t effective) noexcept {
  static Next<int(uid_t, uid_t)> next("setreuid");
  trireme::NoteUser(effective);
  return next(real, effective);
}

TRIREME_INTERPOSED int setresuid(uid_t real, uid_t effective, uid_t saved) noexcept {
  static Next<int(uid_t, uid_t, uid_t)> next("setresuid");
  trireme::NoteUser(effective);
  return next(real, effective, saved);
}
