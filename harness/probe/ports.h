#ifndef TRIREME_HARNESS_PROBE_PORTS_H_
#define TRIREME_HARNESS_PROBE_PORTS_H_

#include <stdint.h>
#include <sys/socket.h>

namespace trireme {

// Which port a socket gets for which any will do. Connections that are over keep theirs for a minute, tens of thousands of them
// where trials follow one another. As the kernel does, servers get one half of all ports and clients the other: a client that
// is given the very port to which it connects, and where nobody listens any more, is connected to itself.
//
// Since Linux 6.3 a socket may say from which range it wants one (IP_LOCAL_PORT_RANGE). A range of one port, while the call
// lasts, lets the kernel give that port as it gives any: the socket is as it would be otherwise. Before, it has to be bound to
// the port by its number, which the kernel leaves it after a connect that failed.

// Of a server, or of a client that the program itself binds, one that no other trial is given meanwhile: a client of a server
// that has ended must find nobody there, and not the server of another trial, to which the kernel gave the same port. False
// where that is for the kernel to do.
bool BindToPortOfTrial(int fd, const sockaddr* address, socklen_t size);

// Whether it is for want of a port that a connect(2) there gave EADDRNOTAVAIL, and not of an address to come from: IPv6 may be
// switched off. Leaves errno alone.
bool HasWayTo(const sockaddr* address, socklen_t size);

// The port that a client gets when it connects, known before: by it the end that accepts finds the connection.
class ClientPort {
 public:
  explicit ClientPort(int fd) : fd_(fd) {}
  // The socket wants the ports again that it wanted before. Leaves errno alone.
  ~ClientPort();
  ClientPort(const ClientPort&) = delete;
  ClientPort& operator=(const ClientPort&) = delete;

  // Sets the port in `own`, the socket's name: the one that is there the first time, else another each time. False: the kernel
  // takes no wishes, or so many were refused that it is to choose by itself.
  bool Choose(sockaddr_storage* own);
  // Binds the socket to its port before it connects, where it is not yet. False and an errno where it did not.
  bool Bind(sockaddr_storage* own, socklen_t size);
  // From now on the kernel is to choose. False: no port was chosen, and it did before.
  bool GiveBack();
  // In the host's byte order; 0: none was chosen, and what the socket is bound to stands.
  uint16_t number() const { return number_; }
  // Whether it was chosen from those of the trial, of which another would do.
  bool may_be_another() const { return number_ != 0 && of_trial_; }

 private:
  bool Wishes();
  bool SetNumber(uint16_t number);

  const int fd_;
  int tries_ = 0;
  bool known_ = false;      // own_range_ is
  uint32_t own_range_ = 0;  // the program's: the first in the lower half, the last in the upper
  uint16_t number_ = 0;
  bool of_trial_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PORTS_H_
