// Calls that move no bytes and wait for no descriptor, where a plan may have a fault for them: files, names, processes,
// threads.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "harness/probe/connections.h"
#include "harness/probe/descriptors.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/next.h"
#include "harness/probe/ports.h"
#include "harness/probe/registrations.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

namespace trireme {
namespace {

// A file of the program is followed like a connection where a rule may hit what is read from or written to it.
int FollowFile(int fd, int flags) {
  const bool hit = PlanHits(TRIREME_CALL_READ) || PlanHits(TRIREME_CALL_WRITE);
  if (fd < 0 || !hit || (flags & O_PATH) != 0) return fd;
  const int error = errno;
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode)) OpenFile(fd);
  errno = error;
  return fd;
}

// The number is given out: what is known of it is of another file, whose close was not seen (a raw system call's, as
// the sanitizers' runtimes make them).
int GivenOut(int fd) {
  if (fd >= 0 && !IsVforked()) Forget(fd);
  return fd;
}

template <typename Call>
int OpenPath(int flags, const Call& call) {
  if (ActivePlan() == nullptr) return GivenOut(call());
  // What only reads a file is the interpreter at its imports as often as the program: it is none of the plan's business.
  if ((flags & O_ACCMODE) == O_RDONLY) return GivenOut(call());
  return FollowFile(GivenOut(UnlessPlanned(TRIREME_CALL_OPEN, call)), flags);
}

// The same of a stream. What stdio moves by itself is not seen; what others move by its descriptor is, as std::fstream
// does.
template <typename Call>
FILE* OpenStream(const char* mode, const Call& call) {
  const bool reads = mode[0] == 'r' && __builtin_strchr(mode, '+') == nullptr;
  const bool planned = ActivePlan() != nullptr && !reads;
  int error = 0;
  if (planned && CallFails(TRIREME_CALL_OPEN, &error)) {
    errno = error;
    return nullptr;
  }
  FILE* stream = call();
  if (stream == nullptr) return nullptr;
  const int fd = GivenOut(fileno(stream));
  if (planned) FollowFile(fd, 0);
  return stream;
}

// stdio closes it without close(2).
void NoteCloseOf(FILE* stream) {
  const int error = errno;
  NoteClose(fileno(stream));
  errno = error;
}

bool IsName(const char* host, const addrinfo* hints) {
  if (host == nullptr || (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0))
    return false;
  in6_addr address;
  return inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1;
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

}  // namespace
}  // namespace trireme

using trireme::Next;

#define TRIREME_INTERPOSED_OPEN(name)                                               \
  TRIREME_INTERPOSED int name(const char* path, int flags, ...) {                   \
    static Next<int(const char*, int, ...)> next(#name);                            \
    va_list arguments;                                                              \
    va_start(arguments, flags);                                                     \
    const mode_t mode = trireme::ModeOf(flags, arguments);                          \
    va_end(arguments);                                                              \
    return trireme::OpenPath(flags, [&] { return next.get()(path, flags, mode); }); \
  }

#define TRIREME_INTERPOSED_OPENAT(name)                                                     \
  TRIREME_INTERPOSED int name(int folder, const char* path, int flags, ...) {               \
    static Next<int(int, const char*, int, ...)> next(#name);                               \
    va_list arguments;                                                                      \
    va_start(arguments, flags);                                                             \
    const mode_t mode = trireme::ModeOf(flags, arguments);                                  \
    va_end(arguments);                                                                      \
    return trireme::OpenPath(flags, [&] { return next.get()(folder, path, flags, mode); }); \
  }

TRIREME_INTERPOSED_OPEN(open)
TRIREME_INTERPOSED_OPEN(open64)
TRIREME_INTERPOSED_OPENAT(openat)
TRIREME_INTERPOSED_OPENAT(openat64)

#define TRIREME_INTERPOSED_CREAT(name)                                              \
  TRIREME_INTERPOSED int name(const char* path, mode_t mode) {                      \
    static Next<int(const char*, mode_t)> next(#name);                              \
    return trireme::OpenPath(O_WRONLY | O_CREAT, [&] { return next(path, mode); }); \
  }

#define TRIREME_INTERPOSED_FOPEN(name)                                  \
  TRIREME_INTERPOSED FILE* name(const char* path, const char* mode) {   \
    static Next<FILE*(const char*, const char*)> next(#name);           \
    return trireme::OpenStream(mode, [&] { return next(path, mode); }); \
  }

TRIREME_INTERPOSED_CREAT(creat)
TRIREME_INTERPOSED_CREAT(creat64)
TRIREME_INTERPOSED_FOPEN(fopen)
TRIREME_INTERPOSED_FOPEN(fopen64)

TRIREME_INTERPOSED int fclose(FILE* stream) {
  static Next<int(FILE*)> next("fclose");
  trireme::NoteCloseOf(stream);
  return next(stream);
}

TRIREME_INTERPOSED int fsync(int fd) {
  static Next<int(int)> next("fsync");
  return trireme::UnlessPlanned(TRIREME_CALL_FSYNC, [&] { return next(fd); });
}

TRIREME_INTERPOSED int fdatasync(int fd) {
  static Next<int(int)> next("fdatasync");
  return trireme::UnlessPlanned(TRIREME_CALL_FSYNC, [&] { return next(fd); });
}

TRIREME_INTERPOSED int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                                   addrinfo** found) {
  static Next<int(const char*, const char*, const addrinfo*, addrinfo**)> next("getaddrinfo");
  int error = 0;
  // An address that is written as one is looked up nowhere.
  if (trireme::ActivePlan() != nullptr && trireme::IsName(host, hints) &&
      trireme::CallFails(TRIREME_CALL_GETADDRINFO, &error)) {
    if (error == EAI_SYSTEM) errno = EIO;
    return error;
  }
  return next(host, service, hints, found);
}

TRIREME_INTERPOSED int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  static Next<int(int, const sockaddr*, socklen_t)> next("bind");
  if (trireme::BindToPortOfTrial(fd, address, size)) return 0;
  return next(fd, address, size);
}

TRIREME_INTERPOSED pid_t fork() noexcept {
  static Next<pid_t()> next("fork");
  return trireme::UnlessPlanned(TRIREME_CALL_FORK, [&] { return next(); });
}

// In libpthread before glibc 2.34: who calls it has it.
TRIREME_INTERPOSED int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                      void* (*run)(void*), void* argument) noexcept {
  static Next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> next(
      "pthread_create");
  int error = 0;
  if (trireme::ActivePlan() != nullptr && trireme::CallFails(TRIREME_CALL_THREAD, &error))
    return error;
  return next(thread, attributes, run, argument);
}
