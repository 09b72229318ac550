#ifndef TRIREME_RUNNERS_SDK_IO_H_
#define TRIREME_RUNNERS_SDK_IO_H_

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/mutex.h"
#include "runners/sdk/point.h"
#include "runners/sdk/sync_object.h"
#include "trireme/streams.h"

namespace trireme {

// What a backend keeps of a descriptor.
struct IoNative {
  virtual ~IoNative() = default;
};

// Kinds of descriptors, as a census names them.
inline constexpr const char* kStream = "stream";
inline constexpr const char* kListener = "listener";

// An open descriptor of the workload. Close() may come while another task waits on it: that one is
// woken, sees EBADF, and the descriptor's number is not given back before the last such call has
// left it.
class IoState {
 public:
  // Takes `fd`, and tells the current task's backend.
  IoState(int fd, std::string kind, const SyncObject& object);
  ~IoState();
  IoState(const IoState&) = delete;
  IoState& operator=(const IoState&) = delete;

  int fd() const { return fd_; }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  void Close();
  // Whose call of the API made it, and what it is: for the census.
  const std::string& maker() const { return maker_; }
  const std::string& kind() const { return kind_; }
  const SyncObject& object() const { return object_; }

  std::unique_ptr<IoNative> native;
  // Nothing more came with the last bytes that were read: the next read will have to wait. A guess
  // that costs nothing.
  std::atomic<bool> drained{false};

 private:
  friend class IoUse;
  void Leave();

  const int fd_;
  Backend* const backend_;
  const std::string kind_;
  const std::string maker_;
  const SyncObject object_;
  std::atomic<bool> closed_{false};
  std::atomic<int> users_{1};  // itself until it is closed, and each call under way
};

// A call under way on a descriptor. Throws IoError EBADF when it is closed.
class IoUse {
 public:
  explicit IoUse(IoState* io);
  ~IoUse() { io_.Leave(); }
  IoUse(const IoUse&) = delete;
  IoUse& operator=(const IoUse&) = delete;

 private:
  IoState& io_;
};

struct IoCall {
  enum class Kind { kRecv, kSend, kAccept, kConnect };
  Kind kind;
  void* data = nullptr;  // kSend only reads it
  size_t size = 0;
  const sockaddr* address = nullptr;
  socklen_t address_size = 0;

  Direction direction() const {
    return kind == Kind::kRecv || kind == Kind::kAccept ? Direction::kRead : Direction::kWrite;
  }
};

// One system call: its result, -errno, or kWouldWait. `flags` as for recv() and accept4().
int64_t AttemptIo(IoState& io, IoCall& call, int flags, int accept_flags);

// How a connection that was begun turned out: 0 or -errno.
int64_t ConnectResult(int fd);

// Descriptors of streams and listeners that are open: who made each, and where.
struct OpenDescriptor {
  int fd;
  std::string kind;
  std::string maker;
  internal::Place place;
};
std::vector<OpenDescriptor> OpenDescriptors();

namespace internal {

struct StreamState : IoState {
  StreamState(int fd, const SyncObject& object) : IoState(fd, kStream, object) {}
  std::string rest;  // received, not yet asked for
};

struct ListenerState : IoState {
  ListenerState(int fd, const SyncObject& object, Address where, std::string unlink_path)
      : IoState(fd, kListener, object), address(std::move(where)), path(std::move(unlink_path)) {}
  ~ListenerState() { End(); }
  // Close(), and takes away the path it made. Another's may be there afterwards.
  void End();
  Address address;
  std::string path;
};

}  // namespace internal
}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_IO_H_
