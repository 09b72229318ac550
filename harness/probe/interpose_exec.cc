// What starts programs: one that is started without the probe in its environment is not seen, which is said.
#include <alloca.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/environment.h"
#include "harness/probe/fault_gate.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/next.h"
#include "harness/probe/postponed.h"
#include "harness/probe/process_path.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

bool NamesProbe(char* const* environment) {
  for (char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry)
    if (strncmp(*entry, "LD_PRELOAD=", 11) == 0 && strstr(*entry, "libtrireme-probe") != nullptr)
      return true;
  return false;
}

// Whether what is started with it is seen: a probe that does not know where the recording is records nothing.
bool TellsOfProbe(char* const* environment) {
  return NamesProbe(environment) &&
         (!IsWatched() || FindIn(environment, "TRIREME_HISTORY") != nullptr);
}

// With the probe in its environment the file alone is told: the harness knows whether it can be loaded there.
void NoteStart(const char* program, char* const* environment) {
  // What a process starts that limits its system calls has the same limits: it is not to open the recording.
  if (IsStoppedForGood()) {
    if (char* path = FindIn(environment, "TRIREME_HISTORY"); path != nullptr) *path = '\0';
    return;
  }
  const bool named = TellsOfProbe(environment);
  if (program == nullptr || (named && !IsWatched()) || !Attached()) return;
  const bool seen = named && MayBeOpened();
  const char* why =
      !named ? " was started without the probe, and was not seen"
      : seen ? ""
             : " was started as a user who may not write what is recorded, and was not seen";
  char place[1024];
  TextBuffer text(place, sizeof(place));
  text.Add(program).Add(why);
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .task = CurrentTask(),
          .key = {seen ? "exec" : "watch", seen ? 4u : 5u},
          .value = {text.text(), text.size()}});
}

void BeforeExec(const char* program, char* const* environment) {
  NoteStart(program, environment);
  HandOverProcessPath();
  // The thread that would send them ends with this program. If the call fails, they were less late than they would have been.
  if (!IsVforked()) SendAllPostponed();
}

// Bytes of an array of all words, from the first one before `list` to the null that ends them.
size_t SizeOfWords(va_list* list) {
  va_list words;
  va_copy(words, *list);
  size_t count = 2;
  while (va_arg(words, char*) != nullptr) ++count;
  va_end(words);
  return count * sizeof(char*);
}

// Leaves `list` after the null.
void TakeWords(const char* first, va_list* list, char** words) {
  *words = const_cast<char*>(first);
  do {
    *++words = va_arg(*list, char*);
  } while (*words != nullptr);
}

// As posix_spawn() or posix_spawnp().
int Spawn(Next<int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                   char* const*, char* const*)>& next,
          pid_t* process, const char* file, const posix_spawn_file_actions_t* actions,
          const posix_spawnattr_t* attributes, char* const* words, char* const* environment) {
  NoteStart(file, environment);
  int error = 0;
  if (ActivePlan() != nullptr && CallFails(TRIREME_CALL_FORK, &error)) return error;
  ProcessStart start;
  pid_t started = 0;
  error = next(&started, file, actions, attributes, words, environment);
  if (error != 0) return error;
  start.BecameProcess(started);
  if (process != nullptr) *process = started;
  return 0;
}

}  // namespace
}  // namespace trireme

using trireme::BeforeExec;
using trireme::Next;
using trireme::NoteStart;

TRIREME_INTERPOSED int execve(const char* file, char* const* words,
                              char* const* environment) noexcept {
  static Next<int(const char*, char* const*, char* const*)> next("execve");
  BeforeExec(file, environment);
  return next(file, words, environment);
}

TRIREME_INTERPOSED int execv(const char* file, char* const* words) noexcept {
  static Next<int(const char*, char* const*)> next("execv");
  BeforeExec(file, environ);
  return next(file, words);
}

TRIREME_INTERPOSED int execvp(const char* file, char* const* words) noexcept {
  static Next<int(const char*, char* const*)> next("execvp");
  BeforeExec(file, environ);
  return next(file, words);
}

TRIREME_INTERPOSED int execvpe(const char* file, char* const* words,
                               char* const* environment) noexcept {
  static Next<int(const char*, char* const*, char* const*)> next("execvpe");
  BeforeExec(file, environment);
  return next(file, words, environment);
}

// The C library's own execl() would not come by execve() here. Its words go into an array on the stack: a child of
// vfork(2) must not allocate.
TRIREME_INTERPOSED int execl(const char* file, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  auto** words = static_cast<char**>(alloca(trireme::SizeOfWords(&list)));
  trireme::TakeWords(first, &list, words);
  va_end(list);
  return execv(file, words);
}

TRIREME_INTERPOSED int execlp(const char* file, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  auto** words = static_cast<char**>(alloca(trireme::SizeOfWords(&list)));
  trireme::TakeWords(first, &list, words);
  va_end(list);
  return execvp(file, words);
}

TRIREME_INTERPOSED int execle(const char* file, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  auto** words = static_cast<char**>(alloca(trireme::SizeOfWords(&list)));
  trireme::TakeWords(first, &list, words);
  char* const* environment = va_arg(list, char* const*);
  va_end(list);
  return execve(file, words, environment);
}

TRIREME_INTERPOSED int fexecve(int fd, char* const* words, char* const* environment) noexcept {
  static Next<int(int, char* const*, char* const*)> next("fexecve");
  BeforeExec(words[0], environment);
  return next(fd, words, environment);
}

TRIREME_INTERPOSED int posix_spawn(pid_t* process, const char* file,
                                   const posix_spawn_file_actions_t* actions,
                                   const posix_spawnattr_t* attributes, char* const* words,
                                   char* const* environment) {
  static Next<int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*)>
      next("posix_spawn");
  return trireme::Spawn(next, process, file, actions, attributes, words, environment);
}

TRIREME_INTERPOSED int posix_spawnp(pid_t* process, const char* file,
                                    const posix_spawn_file_actions_t* actions,
                                    const posix_spawnattr_t* attributes, char* const* words,
                                    char* const* environment) {
  static Next<int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*)>
      next("posix_spawnp");
  return trireme::Spawn(next, process, file, actions, attributes, words, environment);
}

TRIREME_INTERPOSED int system(const char* command) {
  static Next<int(const char*)> next("system");
  if (command == nullptr) return next(command);  // asks whether there is a shell
  NoteStart("/bin/sh", environ);
  return trireme::UnlessPlanned(TRIREME_CALL_FORK, [&] {
    const trireme::ProcessStart start;
    return next(command);
  });
}

// Python's os._exit and the like run no destructor and no handler: what is kept back would be lost with the process, and what
// a handler removes would stay.
#define TRIREME_INTERPOSED_EXIT(name, ...)                                     \
  TRIREME_INTERPOSED void name(int status) __VA_ARGS__ {                       \
    static Next<void(int)> next(#name);                                        \
    if (!trireme::IsVforked()) {                                               \
      trireme::SendAllPostponed();                                             \
      trireme::RemoveGatePipes();                                              \
    }                                                                          \
    if (next.get() != nullptr) next(status);                                   \
    for (;;) syscall(SYS_exit_group, status); /* no C library is without it */ \
  }

TRIREME_INTERPOSED_EXIT(_exit)
TRIREME_INTERPOSED_EXIT(_Exit, noexcept)

TRIREME_INTERPOSED FILE* popen(const char* command, const char* mode) {
  static Next<FILE*(const char*, const char*)> next("popen");
  NoteStart("/bin/sh", environ);
  int error = 0;
  if (trireme::ActivePlan() != nullptr && trireme::CallFails(TRIREME_CALL_FORK, &error)) {
    errno = error;
    return nullptr;
  }
  trireme::ProcessStart start;
  FILE* stream = next(command, mode);
  if (stream != nullptr) start.LivesOn();
  return stream;
}
