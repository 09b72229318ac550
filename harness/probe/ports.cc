#include "harness/probe/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/recorder.h"

namespace trireme {
namespace {

constexpr int kMostServerTries = 64;
// With connections that are over in the way, and without.
constexpr int kMostClientTries = 16;
// The range from which Linux gives them out unless told otherwise.
constexpr uint32_t kFirstForClients = 32768, kForClients = 28232;

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

// Each second of `count` ports from `first` on, one after the other from one that differs from trial to trial; how many were
// tried stands in `tried`. None twice: who reuses addresses may be bound to the port of another that does and does not listen yet.
class Ports {
 public:
  Ports(uint64_t begin, uint32_t first, uint32_t count, uint32_t* tried)
      : start_(static_cast<uint32_t>(begin * 0x9e3779b97f4a7c15u >> 40)),
        first_(first),
        half_(count / 2u),
        tried_(tried) {}

  bool Bind(int fd, sockaddr_storage* address, socklen_t size, int tries) const {
    for (int i = 0; i < tries; ++i) {
      const uint32_t number = __atomic_fetch_add(tried_, 1, __ATOMIC_RELAXED);
      if (number >= half_) break;
      PortIn(address) = htons(static_cast<uint16_t>(first_ + 2 * ((start_ + number) % half_)));
      if (syscall(SYS_bind, fd, address, size) == 0) return true;
      if (errno != EADDRINUSE) return false;
    }
    PortIn(address) = 0;
    errno = EADDRINUSE;
    return false;
  }

 private:
  const uint32_t start_, first_, half_;
  uint32_t* const tried_;
};

void SetReuse(int fd, int value) {
  (void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t{sizeof(value)});
}

// The processes of a trial count in its recording.
trireme_header* CountingHeader() { return const_cast<trireme_header*>(AttachedHeader()); }

// The even ones; where the kernel's range begins with an odd one, those are the servers', and clients get the others.
uint32_t FirstForClients(const trireme_header& header) {
  const bool servers_have_even = header.ports != 0 && header.first_port % 2 == 0;
  return kFirstForClients + (servers_have_even ? 1 : 0);
}

}  // namespace

bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size) {
  trireme_header* header = CountingHeader();
  sockaddr_storage any;
  if (header == nullptr || header->ports == 0 || !CopyOfAnyPort(address, size, &any)) return false;
  const int error = errno;
  // Those who share one by SO_REUSEPORT are left to the kernel.
  const Ports ports(header->begin_time, header->first_port, header->ports, &header->next_server);
  const bool bound =
      OptionOf(fd, SO_REUSEPORT) == 0 && ports.Bind(fd, &any, size, kMostServerTries);
  errno = error;
  return bound;
}

// Asked for any port, the kernel walks through one half of its range and then the other, past those of connections that are
// over: a millisecond once some ten thousand are. Those keep no other from their port where both reuse addresses, which is said
// here of each client; what it connects to is another server then, or the kernel takes the old connection's place.
bool BindClient(int fd, sockaddr_storage* any, socklen_t size) {
  trireme_header* header = CountingHeader();
  // Another thread has just given up the recording.
  if (header == nullptr) return syscall(SYS_bind, fd, any, size) == 0;
  const int reuse = OptionOf(fd, SO_REUSEADDR);
  const Ports ports(header->begin_time, FirstForClients(*header), kForClients,
                    &header->next_client);
  if (reuse != 0) SetReuse(fd, 0);
  bool bound = ports.Bind(fd, any, size, kMostClientTries);
  SetReuse(fd, 1);
  if (!bound && errno == EADDRINUSE) bound = ports.Bind(fd, any, size, kMostClientTries);
  if (!bound && errno == EADDRINUSE) {
    SetReuse(fd, 0);
    bound = syscall(SYS_bind, fd, any, size) == 0;
    SetReuse(fd, 1);
  }
  return bound;
}

}  // namespace trireme
