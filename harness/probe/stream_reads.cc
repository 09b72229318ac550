#include "harness/probe/stream_reads.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace trireme {
namespace {

// Which thread waits by which stream, in one word: as many bits as the kernel's numbers of threads have, and above them as
// much of the stream's address as tells it from another of the same descriptor. 0: none does.
using StreamReader = uint64_t;
constexpr int kThreadBits = 22;

// By the descriptor, atomic. Untouched pages of it cost nothing.
StreamReader stream_readers[kDescriptors];

StreamReader ThisReaderOf(const FILE* stream) {
  return (reinterpret_cast<uintptr_t>(stream) >> 4) << kThreadBits | ThreadId();
}

bool IsOfOneStream(StreamReader one, StreamReader other) {
  return one >> kThreadBits == other >> kThreadBits;
}

// A thread that was cancelled while it read leaves its word behind, and so does whoever left the call by longjmp.
bool StillReads(StreamReader reader) {
  const auto thread = static_cast<uint32_t>(reader & ((1u << kThreadBits) - 1));
  const int before = errno;
  const bool lives = thread != ThreadId() && syscall(SYS_tgkill, ProcessId(), thread, 0) == 0;
  errno = before;
  return lives;
}

}  // namespace

bool BeginStreamRead(int fd, const FILE* stream) {
  const StreamReader own = ThisReaderOf(stream);
  StreamReader there = 0;
  const auto put = [&] {
    return __atomic_compare_exchange_n(&stream_readers[fd], &there, own, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
  };
  if (put() || !IsOfOneStream(there, own)) return true;
  return !StillReads(there) && put();
}

void EndStreamRead(int fd, const FILE* stream) {
  StreamReader own = ThisReaderOf(stream);
  __atomic_compare_exchange_n(&stream_readers[fd], &own, 0, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_RELAXED);
}

}  // namespace trireme
