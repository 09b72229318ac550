// The reads of a FILE: what the functions of interpose_streams.cc and interpose_scans.cc share, which tell of a call that is
// going to read more than the buffer of its stream has.
//
// Whoever waits for the stream's lock does not wait for the descriptor: of the threads that want more of one stream at once
// only the first is told of. The lock itself is the C library's to take and, when a thread is cancelled, to give back.
#ifndef TRIREME_HARNESS_PROBE_STREAM_READS_H_
#define TRIREME_HARNESS_PROBE_STREAM_READS_H_

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "harness/probe/recorder.h"
#include "harness/probe/waits.h"

namespace trireme {

// Of FILE's flags, as <stdio.h>'s inline functions know them too.
constexpr int kUnbuffered = 2, kReadsBackup = 0x100;

enum class StreamLock : bool { kTakes, kLeavesToCaller };

// Says that this thread waits to read the descriptor by the stream. False: another one of this process does.
bool BeginStreamRead(int fd, const FILE* stream);
void EndStreamRead(int fd, const FILE* stream);

// Whether waits for its descriptor are followed, as far as that is known.
inline bool MayBeFollowed(int fd) {
  if (FollowedHeaderNow() == nullptr && !AttachIsPending()) return false;
  if (static_cast<unsigned>(fd) >= kDescriptors) return false;
  const Descriptor* known = KnownDescriptor(fd);
  return known == nullptr || known->kind != ObjectKind::kIgnored;
}

struct Buffered {
  const char* data;
  size_t size;
  bool Has(size_t wanted) const { return size >= wanted; }
  bool HasUpTo(int end) const { return size != 0 && memchr(data, end, size) != nullptr; }
};

// Whether the buffer lacks what `has` looks for, and no other thread is at it.
template <typename Has>
bool Lacks(FILE* stream, StreamLock lock, const Has& has) {
  if (lock == StreamLock::kTakes && ftrylockfile(stream) != 0) return false;
  const char* data = stream->_IO_read_ptr;
  const char* end = stream->_IO_read_end;
  const bool lacks = (stream->_flags & kReadsBackup) == 0 &&
                     !has(Buffered{data, data < end ? static_cast<size_t>(end - data) : 0});
  if (lock == StreamLock::kTakes) funlockfile(stream);
  return lacks;
}

// Makes a call that reads more than the buffer has. `moved`: how many bytes its result stands for.
template <typename Call, typename Moved>
[[gnu::noinline]] auto ReadMore(const Caller& caller, FILE* stream, int fd, uint64_t size,
                                const Call& call, const Moved& moved) {
  if (!BeginStreamRead(fd, stream)) return call();
  const bool buffers = (stream->_flags & kUnbuffered) == 0;
  const Wait wait = BeginWait(fd, kRead, How::kCall, buffers ? kUnknownSize : size, caller);
  const int before = errno;
  errno = 0;  // the stream may say of an older error that there was one
  const auto result = call();
  const int error = errno != 0 ? errno : before;
  const int64_t bytes = moved(result);
  EndWait(wait, bytes > 0 || ferror_unlocked(stream) == 0 ? bytes : -int64_t{errno});
  EndStreamRead(fd, stream);
  errno = error;
  return result;
}

// Makes the call as one that reads up to `size` bytes of the stream.
template <typename Has, typename Call, typename Moved>
[[gnu::always_inline]] inline auto ReadStream(const Caller& caller, FILE* stream, StreamLock lock,
                                              uint64_t size, const Has& has, const Call& call,
                                              const Moved& moved) {
  const int fd = stream->_fileno;  // another thread may open another file by it
  // Of a wide stream they read nothing.
  if (stream->_mode > 0 || !MayBeFollowed(fd) || !Lacks(stream, lock, has)) [[likely]]
    return call();
  return ReadMore(caller, stream, fd, size, call, moved);
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_STREAM_READS_H_
