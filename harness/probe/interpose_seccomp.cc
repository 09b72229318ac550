// What limits the system calls of a process. What it may call from then on is what its own code needs, and ours needs others: so
// nothing of it is observed any more, which is said first.
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/interpose_memory.h"
#include "harness/probe/next.h"
#include "harness/probe/recorder.h"
#include "harness/probe/registrations.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

constexpr char kLimited[] =
    "a process limits its system calls by seccomp: it, and what it starts, was not seen from then "
    "on";

// Without a filter the program only asks whether the kernel has any.
void NoteSeccompMode(long mode, long filter) {
  if (mode == SECCOMP_MODE_STRICT || (mode == SECCOMP_MODE_FILTER && filter != 0))
    StopForGood(kLimited);
}

void NoteSeccomp(long operation, long filter) {
  if (operation == SECCOMP_SET_MODE_STRICT)
    NoteSeccompMode(SECCOMP_MODE_STRICT, 0);
  else if (operation == SECCOMP_SET_MODE_FILTER)
    NoteSeccompMode(SECCOMP_MODE_FILTER, filter);
}

}  // namespace
}  // namespace trireme

using trireme::Next;

TRIREME_INTERPOSED int prctl(int option, ...) noexcept {
  static Next<int(int, ...)> next("prctl");
  va_list list;
  va_start(list, option);
  long words[4];
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  if (option == PR_SET_SECCOMP) trireme::NoteSeccompMode(words[0], words[1]);
  return next(option, words[0], words[1], words[2], words[3]);
}

// By which libseccomp makes its calls, and the probe its own.
TRIREME_INTERPOSED long syscall(long number, ...) noexcept {
  static Next<long(long, ...)> next("syscall");
  va_list list;
  va_start(list, number);
  long words[6];
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  if (number == SYS_seccomp) [[unlikely]]
    trireme::NoteSeccomp(words[0], words[2]);
  if (number == SYS_prctl && words[0] == PR_SET_SECCOMP) [[unlikely]]
    trireme::NoteSeccompMode(words[1], words[2]);
  if (number == SYS_close) [[unlikely]]  // libuv closes so
    trireme::NoteClose(static_cast<int>(words[0]));
  if (long result = 0; trireme::TakesOwnMemory(number, words, &result)) [[unlikely]]
    return result;
  return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
