#include "runners/sdk/io_calls.h"

#include <cerrno>

#include "trireme/errors.h"
#include "trireme/task.h"

namespace trireme {

int MakeSocket(int family, int type) {
  const int fd =
      ::socket(family, type | SOCK_CLOEXEC | CurrentTaskState().backend->socket_flags(), 0);
  if (fd < 0) throw IoError(errno, "socket");
  return fd;
}

uint64_t NextOrdinal(const char* kind) { return Point(kind).ordinal(); }

int64_t IoNow(const char* kind, uint64_t ordinal, IoState* io, IoCall& call) {
  Point point(kind, ordinal);
  const IoUse use(io);
  return point.task().backend->Io(point, *io, call);
}

Task<int64_t> IoLater(const char* kind, uint64_t ordinal, IoState& io, IoCall& call) {
  Point point(kind, ordinal);
  const IoUse use(&io);
  for (;;) {
    point.Wait(io.object().number());
    co_await Parked(point.task(), point.task().Deadline(), &io, call.direction());
    point.Check();
    if (io.closed()) co_return -EBADF;
    const int64_t result = point.task().backend->Io(point, io, call);
    if (result != kWouldWait) co_return result;
  }
}

int64_t Checked(int64_t result, const char* what) {
  if (result < 0) throw IoError(static_cast<int>(-result), what);
  return result;
}

}  // namespace trireme
