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
inline constexpr const char* kDatagram = "datagram";

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
  enum class Kind { kRecv, kSend, kAccept, kConnect, kRecvFrom, kSendTo };
  Kind kind;
  void* data = nullptr;  // what sends only reads it
  size_t size = 0;
  const sockaddr* address = nullptr;  // of kConnect and kSendTo
  socklen_t address_size = 0;
  sockaddr* sender = nullptr;  // of kRecvFrom; has room for `*sender_size` bytes
  socklen_t* sender_size = nullptr;

  Direction direction() const {
    return reads() || kind == Kind::kAccept ? Direction::kRead : Direction::kWrite;
  }
  bool reads() const { return kind == Kind::kRecv || kind == Kind::kRecvFrom; }
  bool writes() const { return kind == Kind::kSend || kind == Kind::kSendTo; }
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

// Has an address, which others are given, and perhaps the path of a Unix socket, which goes with it.
struct BoundState : IoState {
  BoundState(int fd, std::string kind, const SyncObject& object, Address where,
             std::string unlink_path)
      : IoState(fd, std::move(kind), object),
        address(std::move(where)),
        path(std::move(unlink_path)) {}
  ~BoundState() { End(); }
  // Close(), and takes away the path it made. Another's may be there afterwards.
  void End();
  Address address;
  std::string path;
};

struct ListenerState : BoundState {
  ListenerState(int fd, const SyncObject& object, Address where, std::string unlink_path)
      : BoundState(fd, kListener, object, std::move(where), std::move(unlink_path)) {}
};

struct DatagramState : BoundState {
  DatagramState(int fd, const SyncObject& object, Address where, std::string unlink_path)
      : BoundState(fd, kDatagram, object, std::move(where), std::move(unlink_path)) {}
};

}  // namespace internal
}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_IO_H_
