#ifndef TRIREME_HARNESS_PROBE_CONNECTIONS_H_
#define TRIREME_HARNESS_PROBE_CONNECTIONS_H_

#include <sys/socket.h>

#include "harness/probe/addresses.h"
#include "harness/probe/fault_rules.h"
#include "harness/probe/ports.h"

namespace trireme {

// Which logical connection is behind a descriptor: struct trireme_connection, shared by the processes of the trial.
// The end that connects enters it by its pair of addresses before the other end can accept it, and that one finds it.

enum Side : uint8_t { kClient = 0, kServer = 1 };

// What moves on it, and how.
enum class Medium : uint8_t {
  kStream,     // bytes of a socket
  kRecords,    // whole messages, in order and without loss: SOCK_SEQPACKET
  kDatagrams,  // whole messages, each by itself
  kPipe,
  kFile
};

// How many a plan has at most: a descriptor knows its one by 16 bits.
inline constexpr uint32_t kConnections = 1U << 16;

struct ConnectionEnd {
  trireme_connection* connection = nullptr;  // null: none is known
  uint8_t side = kClient;
  Medium medium = Medium::kStream;

  bool socket() const { return medium != Medium::kPipe && medium != Medium::kFile; }
  // Whether calls move whole messages, which are counted instead of their bytes.
  bool messages() const { return medium == Medium::kRecords || medium == Medium::kDatagrams; }
  bool datagrams() const { return medium == Medium::kDatagrams; }

  Subject subject(trireme_fault_call call) const {
    return {connection->hash, connection->id, connection->name, side, call};
  }
  uint64_t& moved(Direction direction) const { return connection->moved[side][direction]; }
  uint64_t& due(Direction direction) const { return connection->due[side][direction]; }
  trireme_fault_call transfer(Direction direction) const {
    if (socket()) return direction == kRead ? TRIREME_CALL_RECV : TRIREME_CALL_SEND;
    return direction == kRead ? TRIREME_CALL_READ : TRIREME_CALL_WRITE;
  }
};

// What is known of it.
ConnectionEnd EndOf(int fd);
// The same before a call that moves bytes: a datagram socket that was not connected gets its connection there.
ConnectionEnd EndForTransfer(int fd);
bool IsDead(const ConnectionEnd& end);
void SetDead(const ConnectionEnd& end);
// Whether the other end is dead, and this one has read neither an end nor an error since.
bool AwaitsEndOfPeer(const ConnectionEnd& end);
void SetToldOfPeer(const ConnectionEnd& end);
// The reset that a read is to be told of was taken from the kernel by another call.
bool OwesReset(const ConnectionEnd& end);
void SetOwesReset(const ConnectionEnd& end);
// Which rule is due next, from `offset` on; see NextDue().
void SetDue(const ConnectionEnd& end, Direction direction, uint64_t offset, uint32_t first);
// Of messages, whose rules are looked for at each: from which on, at that one.
void SetDueForMessage(const ConnectionEnd& end, Direction direction, const Due& due);

// Before connect(2): gives the descriptor a connection of the current task, and enters it. `number`: of this one among
// those of the task. An end without a connection: it has one already, or cannot be followed.
ConnectionEnd OpenClient(int fd, const sockaddr* address, socklen_t length, ClientPort* port,
                         uint64_t* number);
// After a connect(2) that could not have its port: the connection is found by another one now. False: there is none to be had.
bool MoveClient(int fd, const sockaddr* address, socklen_t length, ClientPort* port);
// After one for which the kernel chose the port: it is found by that one, if the other end has not looked yet.
void NameConnected(int fd, const sockaddr* address, socklen_t length);
// After the last connect(2), and what it gave: one that failed, or that dissolved the connection, ends it. A descriptor that
// tries again is another connection.
void NoteConnected(int fd, const sockaddr* address, socklen_t length, int result);
// After accept(2). `peer` is as that call told it, of size 0 where it could not: when the other end has reset the connection
// nobody else says who it was.
ConnectionEnd OpenServer(int fd, const Peer& peer);
// After socketpair(2) and pipe(2): both ends of one.
void OpenPair(const int* fds, bool sockets);
// Until told otherwise, the pairs that this thread makes are no connections: its runtime wakes itself by them.
void MakeOwnPairs(bool own);
bool MakesOwnPairs();
// After open(2).
ConnectionEnd OpenFile(int fd);

// The number is given out or taken back, or copied.
void ForgetEnd(int fd);
void CopyEnd(int fd, int copy);
// After shutdown(2) of what it writes.
void NoteShutdown(int fd);
// Before close(2).
void CloseEnd(int fd);
// The connection is over for each descriptor of this process that stands for the same end.
void CloseAllOfEnd(int fd);
// The next one after `after` that stands for the same end; -1: none. From -1 on, all.
int NextOfEnd(int fd, int after);
// Another recording.
void ForgetAllEnds();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_CONNECTIONS_H_
