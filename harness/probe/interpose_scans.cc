// What the C library reads of a FILE without saying how much it will want: fscanf(3) and its kin, and all of wide characters.
// They are told of where nothing is buffered, so that they are sure to read. With something buffered they may do without.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#include "harness/probe/next.h"
#include "harness/probe/stream_reads.h"

#define TRIREME_INTERPOSED extern "C" __attribute__((visibility("default")))

#undef getwc
#undef getwchar

namespace trireme {
namespace {

// How the C library's own struct begins, which <stdio.h> only names.
struct WideBuffer {
  const wchar_t* read_ptr;
  const wchar_t* read_end;
};

bool HasWide(const FILE* stream) {
  if (stream->_mode <= 0) return false;
  const auto* wide = reinterpret_cast<const WideBuffer*>(stream->_wide_data);
  return wide->read_ptr < wide->read_end;
}

// Makes the call as one that reads whatever it finds. `reads`: what of one orientation only is told of, as the C library has
// it: of the other it reads nothing.
template <typename Call, typename Moved>
[[gnu::always_inline]] inline auto ScanStream(const Caller& caller, FILE* stream, bool reads,
                                              StreamLock lock, const Call& call,
                                              const Moved& moved) {
  const int fd = stream->_fileno;
  if (!reads || !MayBeFollowed(fd) || HasWide(stream) ||
      !Lacks(stream, lock, [](const Buffered& buffered) { return buffered.Has(1); }))
    return call();
  return ReadMore(caller, stream, fd, kUnknownSize, call, moved);
}

// The result: how many values it read, EOF for none at the end.
template <typename Call>
[[gnu::always_inline]] inline int Scan(const Caller& caller, FILE* stream, bool wide,
                                       const Call& call) {
  return ScanStream(caller, stream, wide ? stream->_mode >= 0 : stream->_mode <= 0,
                    StreamLock::kTakes, call, [](int result) { return int64_t{result != EOF}; });
}

template <typename Call>
[[gnu::always_inline]] inline wint_t ReadWideCharacter(const Caller& caller, FILE* stream,
                                                       StreamLock lock, const Call& call) {
  return ScanStream(caller, stream, stream->_mode >= 0, lock, call,
                    [](wint_t result) { return int64_t{result != WEOF}; });
}

template <typename Call>
[[gnu::always_inline]] inline wchar_t* ReadWideLine(const Caller& caller, FILE* stream,
                                                    StreamLock lock, const Call& call) {
  return ScanStream(caller, stream, stream->_mode >= 0, lock, call,
                    [](const wchar_t* result) { return int64_t{result != nullptr}; });
}

}  // namespace
}  // namespace trireme

using trireme::Next;
using trireme::ReadWideCharacter;
using trireme::ReadWideLine;
using trireme::Scan;
using trireme::StreamLock;

// The four of one kind, by other names for the compiler, for <stdio.h> gives some of them the names of newer ones. All end in
// the one that takes a va_list.
#define TRIREME_INTERPOSED_SCANS(prefix, name, Character, wide)                                   \
  TRIREME_INTERPOSED int trireme_##prefix##vf##name(FILE*, const Character*, va_list)             \
      __asm__(#prefix "vf" #name);                                                                \
  int trireme_##prefix##vf##name(FILE* stream, const Character* format, va_list values) {         \
    static Next<int(FILE*, const Character*, va_list)> next(#prefix "vf" #name);                  \
    return Scan(TRIREME_CALLER, stream, wide, [&] { return next(stream, format, values); });       \
  }                                                                                               \
  TRIREME_INTERPOSED int trireme_##prefix##v##name(const Character*, va_list)                     \
      __asm__(#prefix "v" #name);                                                                 \
  int trireme_##prefix##v##name(const Character* format, va_list values) {                        \
    static Next<int(FILE*, const Character*, va_list)> next(#prefix "vf" #name);                  \
    return Scan(TRIREME_CALLER, stdin, wide, [&] { return next(stdin, format, values); });         \
  }                                                                                               \
  TRIREME_INTERPOSED int trireme_##prefix##f##name(FILE*, const Character*, ...)                  \
      __asm__(#prefix "f" #name);                                                                 \
  int trireme_##prefix##f##name(FILE* stream, const Character* format, ...) {                     \
    static Next<int(FILE*, const Character*, va_list)> next(#prefix "vf" #name);                  \
    va_list values;                                                                               \
    va_start(values, format);                                                                     \
    const int result =                                                                            \
        Scan(TRIREME_CALLER, stream, wide, [&] { return next(stream, format, values); });          \
    va_end(values);                                                                               \
    return result;                                                                                \
  }                                                                                               \
  TRIREME_INTERPOSED int trireme_##prefix##name(const Character*, ...) __asm__(#prefix #name);    \
  int trireme_##prefix##name(const Character* format, ...) {                                      \
    static Next<int(FILE*, const Character*, va_list)> next(#prefix "vf" #name);                  \
    va_list values;                                                                               \
    va_start(values, format);                                                                     \
    const int result =                                                                            \
        Scan(TRIREME_CALLER, stdin, wide, [&] { return next(stdin, format, values); });            \
    va_end(values);                                                                               \
    return result;                                                                                \
  }

#define TRIREME_INTERPOSED_WIDE(name, lock)                                                   \
  TRIREME_INTERPOSED wint_t trireme_##name(FILE* stream) __asm__(#name);                      \
  wint_t trireme_##name(FILE* stream) {                                                       \
    static Next<wint_t(FILE*)> next(#name);                                                   \
    return ReadWideCharacter(TRIREME_CALLER, stream, StreamLock::lock,                         \
                             [&] { return next(stream); });                                   \
  }

#define TRIREME_INTERPOSED_WIDE_GETCHAR(name, lock)                                           \
  TRIREME_INTERPOSED wint_t trireme_##name() __asm__(#name);                                  \
  wint_t trireme_##name() {                                                                   \
    static Next<wint_t()> next(#name);                                                        \
    return ReadWideCharacter(TRIREME_CALLER, stdin, StreamLock::lock, [] { return next(); });  \
  }

#define TRIREME_INTERPOSED_WIDE_LINE(name, lock)                            \
  TRIREME_INTERPOSED wchar_t* name(wchar_t* line, int size, FILE* stream) { \
    static Next<wchar_t*(wchar_t*, int, FILE*)> next(#name);                \
    return ReadWideLine(TRIREME_CALLER, stream, StreamLock::lock,            \
                        [&] { return next(line, size, stream); });          \
  }

#define TRIREME_INTERPOSED_WIDE_LINE_CHK(name, lock)                                     \
  TRIREME_INTERPOSED wchar_t* name(wchar_t* line, size_t room, int size, FILE* stream) { \
    static Next<wchar_t*(wchar_t*, size_t, int, FILE*)> next(#name);                     \
    return ReadWideLine(TRIREME_CALLER, stream, StreamLock::lock,                         \
                        [&] { return next(line, room, size, stream); });                 \
  }

TRIREME_INTERPOSED_SCANS(, scanf, char, false)
TRIREME_INTERPOSED_SCANS(__isoc99_, scanf, char, false)
TRIREME_INTERPOSED_SCANS(__isoc23_, scanf, char, false)
TRIREME_INTERPOSED_SCANS(, wscanf, wchar_t, true)
TRIREME_INTERPOSED_SCANS(__isoc99_, wscanf, wchar_t, true)
TRIREME_INTERPOSED_SCANS(__isoc23_, wscanf, wchar_t, true)
TRIREME_INTERPOSED_WIDE(fgetwc, kTakes)
TRIREME_INTERPOSED_WIDE(getwc, kTakes)
TRIREME_INTERPOSED_WIDE(fgetwc_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_WIDE(getwc_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_WIDE_GETCHAR(getwchar, kTakes)
TRIREME_INTERPOSED_WIDE_GETCHAR(getwchar_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_WIDE_LINE(fgetws, kTakes)
TRIREME_INTERPOSED_WIDE_LINE(fgetws_unlocked, kLeavesToCaller)
TRIREME_INTERPOSED_WIDE_LINE_CHK(__fgetws_chk, kTakes)
TRIREME_INTERPOSED_WIDE_LINE_CHK(__fgetws_unlocked_chk, kLeavesToCaller)

