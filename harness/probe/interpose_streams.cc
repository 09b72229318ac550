// What the C library reads through the buffer of a FILE: it makes the system call itself, by no name that could be stood
// before. So its functions tell when they are going to make one, which is when the buffer does not have what they are asked
// for. Of regular files and terminals nothing is looked at, and of what the buffer has nothing is told.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "harness/probe/next.h"
#include "harness/probe/stream_reads.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

#undef getc
#undef getchar

namespace trireme {
namespace {

template <typename Call>
[[gnu::always_inline]] inline int ReadCharacter(const Caller& caller, FILE* stream, StreamLock lock,
                                                const Call& call) {
  // Whoever is at it meanwhile: what the buffer has then is looked for again.
  if (stream->_IO_read_ptr < stream->_IO_read_end) [[likely]]
    return call();
  return ReadStream(
      caller, stream, lock, 1, [](const Buffered& buffered) { return buffered.Has(1); }, call,
      [](int result) { return int64_t{result != EOF}; });
}

template <typename Call>
[[gnu::always_inline]] inline size_t ReadItems(const Caller& caller, FILE* stream, StreamLock lock,
                                               size_t item, size_t count, const Call& call) {
  const size_t size = item * count;
  if (static_cast<size_t>(stream->_IO_read_end - stream->_IO_read_ptr) >= size) [[likely]]
    return call();
  return ReadStream(
      caller, stream, lock, size, [=](const Buffered& buffered) { return buffered.Has(size); },
      call, [=](size_t result) { return static_cast<int64_t>(result * item); });
}

// `size`: of what the line goes to, as fgets(3) has it.
template <typename Call>
[[gnu::always_inline]] inline char* ReadLine(const Caller& caller, FILE* stream, StreamLock lock,
                                             int size, const Call& call) {
  const size_t most = size > 0 ? static_cast<size_t>(size) - 1 : 0;
  return ReadStream(
      caller, stream, lock, most,
      [=](const Buffered& buffered) { return buffered.Has(most) || buffered.HasUpTo('\n'); }, call,
      [](const char* line) {
        return line == nullptr ? int64_t{0} : static_cast<int64_t>(strlen(line));
      });
}

template <typename Call>
[[gnu::always_inline]] inline ssize_t ReadUpTo(const Caller& caller, FILE* stream, int end,
                                               const Call& call) {
  return ReadStream(
      caller, stream, StreamLock::kTakes, kUnknownSize,
      [=](const Buffered& buffered) { return buffered.HasUpTo(end); }, call,
      [](ssize_t result) { return int64_t{result < 0 ? 0 : result}; });
}

}  // namespace
}  // namespace trireme

using trireme::StreamLock;
using trireme::Next;
using trireme::ReadCharacter;
using trireme::ReadItems;
using trireme::ReadLine;
using trireme::ReadUpTo;

// By another name for the compiler, for <stdio.h> has some of them inline.
#define TRIREME_INTERPOSED_CHARACTER(name, lock)                                                 \
  TRIREME_INTERPOSED int trireme_##name(FILE* stream) __asm__(#name);                            \
  int trireme_##name(FILE* stream) {                                                             \
    static Next<int(FILE*)> next(#name);                                                         \
    return ReadCharacter(TRIREME_CALLER, stream, StreamLock::lock, [&] { return next(stream); }); \
  }

#define TRIREME_INTERPOSED_ITEMS(name, lock)                                            \
  TRIREME_INTERPOSED size_t name(void* data, size_t item, size_t count, FILE* stream) { \
    static Next<size_t(void*, size_t, size_t, FILE*)> next(#name);                      \
    return ReadItems(TRIREME_CALLER, stream, StreamLock::lock, item, count,              \
                     [&] { return next(data, item, count, stream); });                  \
  }

#define TRIREME_INTERPOSED_ITEMS_CHK(name, lock)                                     \
  TRIREME_INTERPOSED size_t name(void* data, size_t room, size_t item, size_t count, \
                                 FILE* stream) {                                     \
    static Next<size_t(void*, size_t, size_t, size_t, FILE*)> next(#name);           \
    return ReadItems(TRIREME_CALLER, stream, StreamLock::lock, item, count,           \
                     [&] { return next(data, room, item, count, stream); });         \
  }

#define TRIREME_INTERPOSED_LINE(name, lock)                           \
  TRIREME_INTERPOSED char* name(char* line, int size, FILE* stream) { \
    static Next<char*(char*, int, FILE*)> next(#name);                \
    return ReadLine(TRIREME_CALLER, stream, StreamLock::lock, size,    \
                    [&] { return next(line, size, stream); });        \
  }

#define TRIREME_INTERPOSED_LINE_CHK(name, lock)                                    \
  TRIREME_INTERPOSED char* name(char* line, size_t room, int size, FILE* stream) { \
    static Next<char*(char*, size_t, int, FILE*)> next(#name);                     \
    return ReadLine(TRIREME_CALLER, stream, StreamLock::lock, size,                 \
                    [&] { return next(line, room, size, stream); });               \
  }

#define TRIREME_INTERPOSED_UP_TO(name)                                                \
  TRIREME_INTERPOSED ssize_t name(char** line, size_t* room, int end, FILE* stream) { \
    static Next<ssize_t(char**, size_t*, int, FILE*)> next(#name);                    \
    return ReadUpTo(TRIREME_CALLER, stream, end,                                       \
                    [&] { return next(line, room, end, stream); });                   \
  }

TRIREME_INTERPOSED_CHARACTER(fgetc, kTakes)
TRIREME_INTERPOSED_CHARACTER(getc, kTakes)
TRIREME_INTERPOSED_CHARACTER(_IO_getc, kTakes)
TRIREME_INTERPOSED_CHARACTER(fgetc_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_CHARACTER(getc_unlocked, kLeavesToCaller)
// Which the inline forms of the last two call.
TRIREME_INTERPOSED_CHARACTER(__uflow, kLeavesToCaller)
TRIREME_INTERPOSED_CHARACTER(__underflow, kLeavesToCaller)
TRIREME_INTERPOSED_ITEMS(fread, kTakes)
TRIREME_INTERPOSED_ITEMS(fread_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_ITEMS_CHK(__fread_chk, kTakes)
TRIREME_INTERPOSED_ITEMS_CHK(__fread_unlocked_chk, kLeavesToCaller)
TRIREME_INTERPOSED_LINE(fgets, kTakes)
TRIREME_INTERPOSED_LINE(fgets_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_LINE_CHK(__fgets_chk, kTakes)
TRIREME_INTERPOSED_LINE_CHK(__fgets_unlocked_chk, kLeavesToCaller)
TRIREME_INTERPOSED_UP_TO(getdelim)
TRIREME_INTERPOSED_UP_TO(__getdelim)

TRIREME_INTERPOSED ssize_t trireme_getline(char**, size_t*, FILE*) __asm__("getline");
ssize_t trireme_getline(char** line, size_t* room, FILE* stream) {
  static Next<ssize_t(char**, size_t*, FILE*)> next("getline");
  return ReadUpTo(TRIREME_CALLER, stream, '\n', [&] { return next(line, room, stream); });
}

// Of standard input.
#define TRIREME_INTERPOSED_GETCHAR(name, lock)                                           \
  TRIREME_INTERPOSED int trireme_##name() __asm__(#name);                                \
  int trireme_##name() {                                                                 \
    static Next<int()> next(#name);                                                      \
    return ReadCharacter(TRIREME_CALLER, stdin, StreamLock::lock, [] { return next(); }); \
  }

TRIREME_INTERPOSED_GETCHAR(getchar, kTakes)
TRIREME_INTERPOSED_GETCHAR(getchar_unlocked, kLeavesToCaller)

TRIREME_INTERPOSED int getw(FILE* stream) {
  static Next<int(FILE*)> next("getw");
  // Its result may be any number, what stands for the end too.
  return trireme::ReadStream(
      TRIREME_CALLER, stream, StreamLock::kTakes, sizeof(int),
      [](const trireme::Buffered& buffered) { return buffered.Has(sizeof(int)); },
      [&] { return next(stream); },
      [=](int) { return feof_unlocked(stream) != 0 ? int64_t{0} : int64_t{sizeof(int)}; });
}

