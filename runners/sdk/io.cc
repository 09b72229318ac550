#include "runners/sdk/io.h"

#include <unistd.h>

#include <cerrno>
#include <map>

#include "trireme/errors.h"

namespace trireme {
namespace {

class Registry {
 public:
  void Add(const IoState& io) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_[io.fd()] = &io;
  }
  void Remove(const IoState& io) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_.erase(io.fd());
  }
  std::vector<OpenDescriptor> List() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<OpenDescriptor> all;
    for (const auto& [fd, io] : open_)
      all.push_back({.fd = fd,
                     .kind = io->kind(),
                     .maker = io->maker(),
                     .place = io->object().place()});
    return all;
  }

 private:
  Mutex mutex_;
  std::map<int, const IoState*> open_ TRIREME_GUARDED_BY(mutex_);
};

Registry& Open() {
  static Registry& registry = *new Registry();
  return registry;
}

}  // namespace

std::vector<OpenDescriptor> OpenDescriptors() { return Open().List(); }

IoState::IoState(int fd, std::string kind, const SyncObject& object)
    : fd_(fd),
      backend_(CurrentTaskState().backend),
      kind_(std::move(kind)),
      maker_(CurrentTaskState().path),
      object_(object) {
  Open().Add(*this);
  backend_->Attach(*this);
}

IoState::~IoState() { Close(); }

void IoState::Close() {
  if (closed_.exchange(true)) return;
  object_.Record("close");
  // Refuses from now on, also while a task is still on its way out of accept().
  if (kind_ == kListener) ::shutdown(fd_, SHUT_RDWR);
  backend_->Detach(*this);
  Leave();
}

void IoState::Leave() {
  if (users_.fetch_sub(1) != 1) return;
  Open().Remove(*this);
  native.reset();
  ::close(fd_);
}

IoUse::IoUse(IoState* io) : io_(io == nullptr ? throw IoError(EBADF, "no stream") : *io) {
  int users = io_.users_.load();
  while (users > 0 && !io_.users_.compare_exchange_weak(users, users + 1)) continue;
  if (users > 0 && !io_.closed()) return;
  if (users > 0) io_.Leave();
  throw IoError(EBADF, "the stream is closed");
}

int64_t ConnectResult(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

namespace internal {

void BoundState::End() {
  if (!closed() && !path.empty()) ::unlink(path.c_str());
  Close();
}

}  // namespace internal

int64_t AttemptIo(IoState& io, IoCall& call, int flags, int accept_flags) {
  int64_t result = -1;
  switch (call.kind) {
    case IoCall::Kind::kRecv:
      result = ::recv(io.fd(), call.data, call.size, flags);
      break;
    case IoCall::Kind::kSend:
      result = ::send(io.fd(), call.data, call.size, flags | MSG_NOSIGNAL);
      break;
    case IoCall::Kind::kAccept:
      result = ::accept4(io.fd(), nullptr, nullptr, SOCK_CLOEXEC | accept_flags);
      break;
    case IoCall::Kind::kConnect:
      result = ::connect(io.fd(), call.address, call.address_size);
      break;
    case IoCall::Kind::kRecvFrom:
      result = ::recvfrom(io.fd(), call.data, call.size, flags, call.sender, call.sender_size);
      break;
    case IoCall::Kind::kSendTo:
      result = ::sendto(io.fd(), call.data, call.size, flags | MSG_NOSIGNAL, call.address,
                        call.address_size);
      break;
  }
  if (result >= 0) return result;
  return errno == EAGAIN || errno == EWOULDBLOCK ? kWouldWait : -errno;
}

}  // namespace trireme
