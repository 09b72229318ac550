// What limits the size of files. A program under such a limit, and what it starts, goes on to record: so the recording is made
// as large as it may become before the limit takes hold.
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/probe/next.h"
#include "harness/probe/recorder.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

// As the kernel reads it: what the program may not read itself has no limit. A header promises that the argument is not null,
// and a program may pass that, or any address, all the same.
template <typename Limit>
bool ReadLimit(const Limit* limit, Limit* value) {
  const iovec to{value, sizeof(*value)};
  const iovec from{const_cast<Limit*>(limit), sizeof(*limit)};
  return syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1, &from, 1, 0) ==
         static_cast<long>(sizeof(*value));
}

template <typename Limit>
void NoteLimit(int resource, const Limit* limit) {
  if (resource != RLIMIT_FSIZE) return;
  const int error = errno;
  Limit value{};
  // Where no process may be read, a sandbox say, the recording grows all the same.
  const bool known = ReadLimit(limit, &value);
  const bool unreadable = !known && errno == EFAULT;
  errno = error;
  if (!unreadable && (!known || value.rlim_cur != RLIM_INFINITY)) GrowRecordingAhead();
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int setrlimit(int resource, const struct rlimit* limit) noexcept {
  static Next<int(int, const struct rlimit*)> next("setrlimit");
  trireme::NoteLimit(resource, limit);
  return next(resource, limit);
}

TRIREME_INTERPOSED int setrlimit64(int resource, const struct rlimit64* limit) noexcept {
  static Next<int(int, const struct rlimit64*)> next("setrlimit64");
  trireme::NoteLimit(resource, limit);
  return next(resource, limit);
}

TRIREME_INTERPOSED int prlimit(pid_t process, __rlimit_resource resource,
                               const struct rlimit* limit, struct rlimit* old) noexcept {
  static Next<int(pid_t, int, const struct rlimit*, struct rlimit*)> next("prlimit");
  trireme::NoteLimit(resource, limit);
  return next(process, resource, limit, old);
}

TRIREME_INTERPOSED int prlimit64(pid_t process, __rlimit_resource resource,
                                 const struct rlimit64* limit, struct rlimit64* old) noexcept {
  static Next<int(pid_t, int, const struct rlimit64*, struct rlimit64*)> next("prlimit64");
  trireme::NoteLimit(resource, limit);
  return next(process, resource, limit, old);
}
