#include "harness/probe/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/keep_errno.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

constexpr int kMostServerTries = 64, kMostServerWishes = 8;
constexpr int kMostClientTries = 16;
constexpr int kLocalPortRange = 51;  // IP_LOCAL_PORT_RANGE, which older headers do not have

uint16_t& PortIn(sockaddr_storage* address) {
  return address->ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(address)->sin6_port
                                        : reinterpret_cast<sockaddr_in*>(address)->sin_port;
}

bool CopyOfAnyPort(const sockaddr* address, socklen_t size, sockaddr_storage* copy) {
  if (address == nullptr || size < sizeof(sockaddr_in) || size > sizeof(*copy)) return false;
  memcpy(copy, address, size);
  const bool internet = copy->ss_family == AF_INET ||
                        (copy->ss_family == AF_INET6 && size >= sizeof(sockaddr_in6));
  return internet && PortIn(copy) == 0;
}

int OptionOf(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  return syscall(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// False: this kernel has no such thing.
bool GetRange(int fd, uint32_t* range) {
  socklen_t size = sizeof(*range);
  return syscall(SYS_getsockopt, fd, IPPROTO_IP, kLocalPortRange, range, &size) == 0;
}

bool SetRange(int fd, uint32_t range) {
  return syscall(SYS_setsockopt, fd, IPPROTO_IP, kLocalPortRange, &range,
                 socklen_t{sizeof(range)}) == 0;
}

uint32_t RangeOfOne(uint16_t port) { return uint32_t{port} << 16 | port; }

// Each second of `count` ports from `first` on, one after the other from one that differs from trial to trial.
class Ports {
 public:
  Ports(uint64_t begin, uint32_t first, uint32_t count)
      : start_(static_cast<uint32_t>(begin * 0x9e3779b97f4a7c15u >> 40)),
        first_(first),
        half_(count / 2u) {}

  uint32_t half() const { return half_; }
  // REQUIRES: half() != 0.
  uint16_t At(uint32_t number) const {
    return static_cast<uint16_t>(first_ + 2 * ((start_ + number) % half_));
  }

 private:
  const uint32_t start_, first_, half_;
};

uint32_t CountUp(uint32_t* tried) { return __atomic_fetch_add(tried, 1, __ATOMIC_RELAXED); }

// The processes of a trial count in its recording.
trireme_header* CountingHeader() { return const_cast<trireme_header*>(AttachedHeader()); }

// None twice: who reuses addresses may be bound to the port of another that does and does not listen yet. `wishes`: the kernel
// takes them. It passes over ports of connections that are over, which who reuses addresses gets by naming them.
bool BindServer(trireme_header* header, int fd, sockaddr_storage* any, socklen_t size,
                bool wishes) {
  const Ports ports(header->begin_time, header->first_port, header->ports);
  for (int i = 0; i < kMostServerTries; ++i) {
    const uint32_t number = CountUp(&header->next_server);
    if (number >= ports.half()) return false;
    const uint16_t port = ports.At(number);
    if (!wishes || i >= kMostServerWishes)
      PortIn(any) = htons(port);
    else if (!SetRange(fd, RangeOfOne(port)))
      return false;
    if (syscall(SYS_bind, fd, any, size) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  return false;
}

// Of a socket that does not reuse addresses meanwhile: of two that do, one may be given the port of the other.
class WithoutReuse {
 public:
  explicit WithoutReuse(int fd) : fd_(fd), own_(OptionOf(fd, SO_REUSEADDR)) {
    if (own_ > 0) Set(0);
  }
  ~WithoutReuse() {
    const KeepErrno keep;
    if (own_ > 0) Set(own_);
  }
  WithoutReuse(const WithoutReuse&) = delete;
  WithoutReuse& operator=(const WithoutReuse&) = delete;

 private:
  void Set(int value) const {
    (void)syscall(SYS_setsockopt, fd_, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t{sizeof(value)});
  }

  const int fd_, own_;
};

// Those of the trial's ports for clients that the program wants as well.
Ports PortsOfClients(const trireme_header& header, uint32_t own_range) {
  uint32_t first = header.first_client;
  uint32_t end = first + header.clients;
  const uint32_t own_first = own_range & 0xffff, own_last = own_range >> 16;
  if (own_first > first) first = own_first + (own_first - first) % 2;
  if (own_last != 0 && own_last < end) end = own_last + 1;
  return Ports(header.begin_time, first, end > first ? end - first + 1 : 0);
}

}  // namespace

bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size) {
  trireme_header* header = CountingHeader();
  sockaddr_storage any;
  if (header == nullptr || header->ports == 0 || !CopyOfAnyPort(address, size, &any)) return false;
  const KeepErrno keep;
  // Those who share one by SO_REUSEPORT are left to the kernel, and so are those who say themselves which ports they want.
  if (OptionOf(fd, SO_REUSEPORT) != 0) return false;
  uint32_t own_range = 0;
  const bool wishes = GetRange(fd, &own_range);
  if (own_range != 0) return false;
  const bool bound = BindServer(header, fd, &any, size, wishes);
  if (wishes) SetRange(fd, own_range);
  return bound;
}

// A socket of datagrams needs a way too, and nobody hears of it.
bool HasWayTo(const sockaddr* address, socklen_t size) {
  const KeepErrno keep;
  const long fd = syscall(SYS_socket, address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool has_way = syscall(SYS_connect, fd, address, size) == 0;
  syscall(SYS_close, fd);
  return has_way;
}

ClientPort::~ClientPort() {
  const KeepErrno keep;
  if (number_ != 0) GiveBack();
}

bool ClientPort::GiveBack() {
  number_ = 0;
  return known_ && SetRange(fd_, own_range_);
}

bool ClientPort::Wishes() { return known_ || (known_ = GetRange(fd_, &own_range_)); }

bool ClientPort::SetNumber(uint16_t number) {
  if (!SetRange(fd_, RangeOfOne(number))) return false;
  number_ = number;
  return true;
}

// After a connect that failed the name has a port that the socket is no longer bound to. To wish for it does no harm where it
// is bound, and where it is not it gets the port that its name has.
bool ClientPort::Choose(sockaddr_storage* own) {
  trireme_header* header = CountingHeader();
  if (header == nullptr || header->clients == 0 || tries_ == kMostClientTries || !Wishes())
    return false;
  if (tries_++ == 0 && PortIn(own) != 0) return SetNumber(ntohs(PortIn(own)));
  const Ports ports = PortsOfClients(*header, own_range_);
  if (ports.half() == 0 || !SetNumber(ports.At(CountUp(&header->next_client)))) return false;
  PortIn(own) = htons(number_);
  of_trial_ = true;
  return true;
}

// Asked for any port, the kernel walks through one half of its range and then the other, past those of connections that are
// over: a millisecond once some ten thousand are.
bool ClientPort::Bind(sockaddr_storage* own, socklen_t size) {
  if (number_ != 0) GiveBack();
  // Where it is bound already, it cannot be again.
  if (PortIn(own) != 0 && (syscall(SYS_bind, fd_, own, size) == 0 || errno == EINVAL)) return true;
  const WithoutReuse without(fd_);
  trireme_header* header = CountingHeader();
  // Where it took wishes, what it had to give was tried.
  const int tries = header == nullptr || header->clients < 2 || known_ ? 0 : kMostClientTries;
  for (int i = 0; i < tries; ++i) {
    const Ports ports = PortsOfClients(*header, 0);
    PortIn(own) = htons(ports.At(CountUp(&header->next_client)));
    if (syscall(SYS_bind, fd_, own, size) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  PortIn(own) = 0;
  return syscall(SYS_bind, fd_, own, size) == 0;
}

}  // namespace trireme
