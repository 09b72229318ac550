#include "harness/probe/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/connections.h"
#include "harness/probe/held_back.h"
#include "harness/probe/late_errors.h"
#include "harness/probe/objects.h"
#include "harness/probe/postponed.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

// Untouched pages of it cost nothing.
Descriptor descriptors[kDescriptors];
uint32_t current_generation = 1;

constexpr uint32_t kEventfdDevice = ~uint32_t{0};

// The number after `name` in /proc/self/fdinfo, 0 when there is none.
uint64_t NumberInFdinfo(int fd, const char* name) {
  char bytes[1024];
  TextBuffer path;
  path.Add("/proc/self/fdinfo/").AddNumber(fd);
  const long size = ReadFile(path.text(), bytes, sizeof(bytes));
  const char* found = size <= 0 ? nullptr : strstr(bytes, name);
  if (found == nullptr) return 0;
  for (found += strlen(name); *found == ' ' || *found == '\t';) ++found;
  uint64_t number = 0;
  for (; *found >= '0' && *found <= '9'; ++found)
    number = number * 10 + static_cast<unsigned>(*found - '0');
  return number;
}

ObjectKind IdentifyAnonymous(int fd, ObjectId* id) {
  char target[64];
  TextBuffer path;
  path.Add("/proc/self/fd/").AddNumber(fd);
  const long size = syscall(SYS_readlinkat, AT_FDCWD, path.text(), target, sizeof(target) - 1);
  target[size < 0 ? 0 : size] = '\0';
  if (strcmp(target, "anon_inode:[eventpoll]") == 0) return ObjectKind::kEpoll;
  if (strcmp(target, "anon_inode:[eventfd]") != 0) return ObjectKind::kIgnored;
  *id = {.inode = NumberInFdinfo(fd, "eventfd-id:"), .device = kEventfdDevice};
  return id->inode == 0 ? ObjectKind::kIgnored : ObjectKind::kEventfd;
}

ObjectKind IdentifySocket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_STREAM ? ObjectKind::kStream : ObjectKind::kDatagram;
}

// Both ends of a pipe are one object, but nobody reads at the end for writing: who polls it waits for the other's end.
uint8_t ClosedFor(int fd) {
  const long mode = syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE;
  return mode == O_WRONLY ? 1 << kRead : mode == O_RDONLY ? 1 << kWrite : 0;
}

}  // namespace

const char* NameOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kStream:
      return "stream";
    case ObjectKind::kDatagram:
      return "datagram";
    case ObjectKind::kPipe:
      return "pipe";
    case ObjectKind::kEventfd:
      return "eventfd";
    default:
      return "other";
  }
}

ObjectKind Identify(int fd, ObjectId* id) {
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) != 0) return ObjectKind::kUnknown;
  *id = {.inode = status.st_ino, .device = static_cast<uint32_t>(status.st_dev)};
  if (S_ISSOCK(status.st_mode)) return IdentifySocket(fd);
  if (S_ISFIFO(status.st_mode)) return ObjectKind::kPipe;
  if ((status.st_mode & S_IFMT) == 0) return IdentifyAnonymous(fd, id);
  return ObjectKind::kIgnored;
}

Descriptor* FindDescriptor(int fd) {
  if (static_cast<unsigned>(fd) >= kDescriptors) return nullptr;
  Descriptor* descriptor = &descriptors[fd];
  const uint32_t generation = __atomic_load_n(&current_generation, __ATOMIC_RELAXED);
  if (descriptor->generation != generation) {
    *descriptor = {};
    descriptor->generation = generation;
  }
  return descriptor;
}

namespace {

// What the descriptor is, asked of the kernel.
[[gnu::noinline]] void LookUpNow(int fd, Descriptor* descriptor) {
  const int error = errno;
  ObjectKind kind = Identify(fd, &descriptor->id);
  if (kind == ObjectKind::kEpoll)
    descriptor->epoll = static_cast<uint32_t>(
        __atomic_add_fetch(&FollowedHeader()->next_epoll, 1, __ATOMIC_RELAXED));
  if (kind == ObjectKind::kPipe) descriptor->closed_for = ClosedFor(fd);
  __atomic_store(&descriptor->kind, &kind, __ATOMIC_RELEASE);
  errno = error;
}

}  // namespace

Descriptor* LookUp(int fd) {
  Descriptor* descriptor = FindDescriptor(fd);
  if (descriptor == nullptr) [[unlikely]] {
    if (fd >= 0) CountUnseen(FollowedHeader());
    return nullptr;
  }
  if (descriptor->kind == ObjectKind::kUnknown) [[unlikely]]
    LookUpNow(fd, descriptor);
  return descriptor->kind <= ObjectKind::kIgnored ? nullptr : descriptor;
}

namespace {

void ForgetFaultsOf(int fd) {
  ForgetEnd(fd);
  ForgetHeldBack(fd);
  DropPostponed(fd);
}

}  // namespace

void ForEachIn(uint32_t epoll, void (*function)(Descriptor*)) {
  for (Descriptor& descriptor : descriptors)
    if ((descriptor.epoll & ~TRIREME_EDGE) == epoll && descriptor.kind != ObjectKind::kEpoll &&
        descriptor.generation == current_generation)
      function(&descriptor);
}

Holding HoldingOf(uint32_t epoll, const ObjectId& id) {
  Holding holding;
  for (unsigned fd = 0; fd < kDescriptors; ++fd) {
    const Descriptor* descriptor = KnownDescriptor(static_cast<int>(fd));
    if (descriptor == nullptr || descriptor->epoll != epoll) continue;
    if (descriptor->kind == ObjectKind::kEpoll)
      holding.thread = descriptor->thread;
    else if (descriptor->id == id)
      holding.fd = static_cast<int>(fd);
  }
  return holding;
}

Descriptor* KnownDescriptor(int fd) {
  if (static_cast<unsigned>(fd) >= kDescriptors) return nullptr;
  Descriptor* descriptor = &descriptors[fd];
  const bool known =
      descriptor->generation == __atomic_load_n(&current_generation, __ATOMIC_RELAXED);
  return known && descriptor->kind != ObjectKind::kUnknown ? descriptor : nullptr;
}

void Forget(int fd) {
  if (ActivePlan() != nullptr) ForgetFaultsOf(fd);
  Descriptor* descriptor = KnownDescriptor(fd);
  if (descriptor == nullptr) return;
  const uint32_t generation = descriptor->generation;
  *descriptor = {};
  descriptor->generation = generation;
}

void CopyDescriptor(int fd, int copy) {
  if (ActivePlan() != nullptr) {
    CopyEnd(fd, copy);
    CopyHeldBack(fd, copy);
  }
  const Descriptor* from = FindDescriptor(fd);
  Descriptor* to = FindDescriptor(copy);
  if (from == nullptr || to == nullptr) return;
  *to = *from;
  // An epoll set holds descriptors, not what they stand for.
  to->registered = 0;
  if (to->kind != ObjectKind::kEpoll) to->epoll = 0;
}

void ForgetAllDescriptors() { __atomic_add_fetch(&current_generation, 1, __ATOMIC_RELAXED); }

}  // namespace trireme
