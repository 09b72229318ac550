#include "harness/probe/connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/probe/addresses.h"
#include "harness/probe/fault_log.h"
#include "harness/probe/keep_errno.h"
#include "harness/probe/listening.h"
#include "harness/probe/other_process.h"
#include "harness/probe/postponed.h"
#include "harness/probe/process_path.h"
#include "harness/probe/recorder.h"
#include "harness/probe/routes.h"
#include "harness/probe/task_names.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

// What this process knows of a descriptor number; pages that nobody touches cost nothing.
struct Entry16 {
  uint16_t connection;  // its index, plus 1
  uint8_t side : 1, medium : 3;
  uint8_t generation;
};
Entry16 ends[kDescriptors];
uint8_t ends_generation = 1;
// Of a descriptor that was looked at, and has none.
constexpr uint16_t kNoConnection = 0xffff;
// Stands for the tasks that connect from outside the trial.
TaskName outside_task = {.path = "outside", .name = "outside"};
// And for what runs without the probe in it.
TaskName unwatched_task = {.path = "unwatched", .name = "unwatched"};

// How far from where its key points a connection may be.
constexpr uint32_t kConnectionReach = 32;
// Bits of trireme_connection.ends.
constexpr uint32_t kOpened = 1, kClosed = 4, kIsDead = 16, kIsToldOfPeer = 64, kOwesReset = 256,
                   kIsCopied = 1024;

Entry16* EntryOf(int fd) { return static_cast<unsigned>(fd) < kDescriptors ? &ends[fd] : nullptr; }

Entry16* KnownEntry(int fd) {
  Entry16* entry = EntryOf(fd);
  const bool known = entry != nullptr && entry->connection != 0 &&
                     entry->generation == __atomic_load_n(&ends_generation, __ATOMIC_RELAXED);
  return known ? entry : nullptr;
}

// `bit`: the client's of a pair of them.
bool HasBit(const ConnectionEnd& end, uint32_t bit) {
  return (__atomic_load_n(&end.connection->ends, __ATOMIC_ACQUIRE) & bit << end.side) != 0;
}

void SetBit(const ConnectionEnd& end, uint32_t bit) {
  __atomic_fetch_or(&end.connection->ends, bit << end.side, __ATOMIC_RELEASE);
}

bool IsOver(const trireme_connection* connection) {
  const uint32_t now = __atomic_load_n(&connection->ends, __ATOMIC_ACQUIRE);
  const uint32_t opened = now & 3;
  return opened != 0 && (now >> 2 & 3) == opened;
}

// A place for a new connection; what was there by the same key is over, see IsFoundBy(). Null when there is none.
trireme_connection* TakePlace(uint64_t key) {
  trireme_plan* plan = ActivePlan();
  const uint32_t mask = plan->connections - 1;
  // The last choice are those whose ends were closed, for a copy of a descriptor may be left.
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < kConnectionReach; ++i) {
      trireme_connection* place = ConnectionAt(static_cast<uint32_t>(key + i) & mask);
      uint64_t found = __atomic_load_n(&place->key, __ATOMIC_ACQUIRE);
      const bool wanted = round == 0 ? found == key : round == 1 ? found == 0 : IsOver(place);
      // All ones while it changes hands.
      if (wanted && __atomic_compare_exchange_n(&place->key, &found, ~uint64_t{0}, false,
                                                __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return place;
    }
  }
  __atomic_fetch_add(&plan->unseen, 1, __ATOMIC_RELAXED);
  return nullptr;
}

trireme_connection* FindPlace(uint64_t key) {
  const uint32_t mask = ActivePlan()->connections - 1;
  for (uint32_t i = 0; i < kConnectionReach; ++i) {
    trireme_connection* place = ConnectionAt(static_cast<uint32_t>(key + i) & mask);
    if (__atomic_load_n(&place->key, __ATOMIC_ACQUIRE) == key) return place;
  }
  return nullptr;
}

// Whether a connection is found by it of which an end is still open, for all that is known: those of a killed process stay.
bool IsFoundBy(uint64_t key) {
  const trireme_connection* connection = FindPlace(key);
  return connection != nullptr && !IsOver(connection);
}

// Of a connection to which no address leads.
constexpr uint64_t kOwnKey = 0;

// No other one has it, whoever enters one at the same time.
uint64_t KeyOfNumber(uint64_t number) { return (number * 0x9e3779b97f4a7c15u) | 1; }

// What of a connection's id is the task's that made it. A task that a child of its process goes on with is as it was in both.
void AddMaker(TextBuffer& text, const char* task, const TaskName& maker) {
  text.Add(task);
  if (&maker != &NoTaskName()) text.Add(ProcessPath());
}

// What stands between path and number.
constexpr const char* kOfConnect = "#";
constexpr const char* kOfPipe = "#p";
constexpr const char* kOfFile = "@";

// Fills a place, and lets others find it by the key, if it is not kOwnKey.
trireme_connection* Enter(uint64_t key, const char* mark, const TaskName& task, uint64_t number) {
  trireme_connection fresh{};
  fresh.number = __atomic_fetch_add(&ActivePlan()->next_connection, 1, __ATOMIC_RELAXED);
  if (key == kOwnKey) key = KeyOfNumber(fresh.number);
  trireme_connection* place = TakePlace(key);
  if (place == nullptr) return nullptr;
  TextBuffer id(fresh.id, sizeof(fresh.id));
  AddMaker(id, task.path, task);
  id.Add(mark).AddNumber(static_cast<int64_t>(number));
  TextBuffer name(fresh.name, sizeof(fresh.name));
  AddMaker(name, task.name, task);
  name.Add(mark).AddNumber(static_cast<int64_t>(number));
  fresh.hash = HashOf(fresh.id);
  fresh.key = ~uint64_t{0};
  fresh.ordinal = static_cast<uint32_t>(number);
  *place = fresh;
  __atomic_store_n(&place->key, key, __ATOMIC_RELEASE);
  return place;
}

// Lets the descriptor stand for that end of it.
ConnectionEnd Open(int fd, trireme_connection* connection, Side side, Medium medium,
                   const char* kind, const Peer* peer = nullptr, const Peer* local = nullptr) {
  Entry16* entry = EntryOf(fd);
  if (connection == nullptr || entry == nullptr) return {};
  const ConnectionEnd end{connection, side, medium};
  __atomic_fetch_or(&connection->ends, kOpened << side, __ATOMIC_RELEASE);
  for (const Direction direction : kDirections)
    if (end.messages())
      SetDueForMessage(end, direction, {});
    else
      SetDue(end, direction, 0, 0);
  *entry = {.connection = static_cast<uint16_t>(IndexOf(connection) + 1),
            .side = side,
            .medium = static_cast<uint8_t>(medium),
            .generation = ends_generation};
  LogOpened(end, kind, fd, peer, local);
  return end;
}

// The address itself, the same for IPv4 in either family.
struct HostAddress {
  unsigned char bytes[16];
  size_t size;

  explicit HostAddress(const sockaddr_storage& address) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    const bool mapped = address.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six);
    size = address.ss_family == AF_INET6 && !mapped ? 16 : 4;
    const void* from = address.ss_family == AF_INET
                           ? static_cast<const void*>(
                                 &reinterpret_cast<const sockaddr_in&>(address).sin_addr)
                           : &six.s6_addr[16 - size];
    memcpy(bytes, from, size);
  }
  bool IsAny() const {
    for (size_t i = 0; i < size; ++i)
      if (bytes[i] != 0) return false;
    return true;
  }
  void SetLoopback() {
    if (size == 4) bytes[0] = 127;
    bytes[size - 1] = 1;
  }
};

// Where a connect to that address gets to. One to none gets to the client's own, and to the loopback where that has none either.
HostAddress Reached(const sockaddr_storage& client, const sockaddr_storage& server) {
  const HostAddress named(server);
  if (!named.IsAny()) return named;
  HostAddress own(client);
  if (own.IsAny()) own.SetLoopback();
  return own;
}

// Both ends know the client's port and the server's address; of what the client's is they may differ.
uint64_t KeyOfPair(const sockaddr_storage& client, const sockaddr_storage& server) {
  char text[64] = {};
  size_t size = 0;
  const auto add = [&](const void* bytes, size_t count) {
    memcpy(text + size, bytes, count);
    size += count;
  };
  const auto port = [](const sockaddr_storage& address) {
    return address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                         : reinterpret_cast<const sockaddr_in&>(address).sin_port;
  };
  const uint16_t ports[2] = {port(client), port(server)};
  add(ports, sizeof(ports));
  const HostAddress reached = Reached(client, server);
  add(reached.bytes, reached.size);
  uint64_t hash = 0x2545f4914f6cdd1du;
  for (size_t i = 0; i < size; ++i)
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3u;
  hash ^= hash >> 29;
  return hash == 0 || hash == ~uint64_t{0} ? 1 : hash;
}

uint64_t KeyOfPath(const sockaddr_un& client, socklen_t length) {
  uint64_t hash = 0x9e3779b97f4a7c15u;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&client);
  for (socklen_t i = 0; i < length; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  hash ^= hash >> 29;
  return hash == 0 || hash == ~uint64_t{0} ? 1 : hash;
}

bool IsInternet(int family) { return family == AF_INET || family == AF_INET6; }

bool GetName(long call, int fd, sockaddr_storage* address, socklen_t* length) {
  *length = sizeof(*address);
  memset(address, 0, sizeof(*address));
  return syscall(call, fd, address, length) == 0;
}

// The client's end has a name before it connects, by which the other end finds it. False: it has none.
bool NameClient(int fd, sockaddr_storage* client, socklen_t* length, ClientPort* port) {
  if (!GetName(SYS_getsockname, fd, client, length)) return false;
  if (IsInternet(client->ss_family))
    return port->Choose(client) ||
           (port->Bind(client, *length) && GetName(SYS_getsockname, fd, client, length));
  if (*length > sizeof(sa_family_t)) return true;
  return syscall(SYS_bind, fd, client, socklen_t{sizeof(sa_family_t)}) == 0 &&
         GetName(SYS_getsockname, fd, client, length);
}

// By which the two ends of a stream that is to be made find one another; kOwnKey: they cannot. A port that was chosen may still
// be that of another connection to the same server, which the kernel would say too late: that one is to be found as before.
uint64_t KeyOfClient(int fd, const Peer& server, ClientPort* port, Peer* client) {
  uint64_t key = kOwnKey;
  do {
    if (!NameClient(fd, &client->address, &client->size, port)) return kOwnKey;
    if (client->address.ss_family == AF_UNIX)
      return KeyOfPath(reinterpret_cast<sockaddr_un&>(client->address), client->size);
    key = KeyOfPair(client->address, server.address);
  } while (port->may_be_another() && IsFoundBy(key));
  return key;
}

Peer CopyOf(const sockaddr* address, socklen_t length) {
  Peer copy{{}, length < sizeof(sockaddr_storage) ? length : socklen_t{sizeof(sockaddr_storage)}};
  memcpy(&copy.address, address, copy.size);
  return copy;
}

// By that key the other end finds it from now on. False: there is no place for it.
bool MoveTo(uint64_t key, Entry16* entry) {
  trireme_connection* before = ConnectionAt(entry->connection - 1u);
  if (__atomic_load_n(&before->key, __ATOMIC_ACQUIRE) == key) return true;
  trireme_connection* place = TakePlace(key);
  if (place == nullptr) return false;
  trireme_connection moved = *before;
  moved.key = ~uint64_t{0};
  *place = moved;
  __atomic_store_n(&place->key, key, __ATOMIC_RELEASE);
  entry->connection = static_cast<uint16_t>(IndexOf(place) + 1);
  __atomic_store_n(&before->key, 0, __ATOMIC_RELEASE);
  return true;
}

// Whether no connection is made, nor being made.
bool IsIdle(int fd) {
  unsigned char state = 0;  // the first of what struct tcp_info has
  socklen_t size = sizeof(state);
  if (syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &size) == 0)
    return state == TCP_CLOSE;
  // Of AF_UNIX it is made within the call, or not at all.
  sockaddr_storage peer;
  return !GetName(SYS_getpeername, fd, &peer, &size) && errno == ENOTCONN;
}

// Errors of a connect(2) after which the connection is there, or still being made.
bool GoesOn(int error) {
  return error == EINPROGRESS || error == EALREADY || error == EINTR || error == EISCONN ||
         error == EAGAIN;
}

// Whether a process of the trial has a client's end that nobody entered: it runs without the probe, or made its calls past it.
bool IsOfTrial(const Peer& client, const sockaddr_storage& server) {
  const KeepErrno keep;
  const uint32_t first = __atomic_load_n(&ActivePlan()->first_process, __ATOMIC_RELAXED);
  const uint64_t inode = first == 0 || !IsInternet(server.ss_family)
                             ? 0
                             : InodeOfStream(client.address, server);
  return inode != 0 && IsSocketBelow(first, inode);
}

int TypeOf(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : 0;
}

// Which one a connection is that was accepted. A proxy may have a port that a client had before, and the other way round: what
// has been accepted once is another one.
trireme_connection* FindConnecting(const Peer& client, const sockaddr_storage& server) {
  const auto& path = reinterpret_cast<const sockaddr_un&>(client.address);
  if (!IsInternet(server.ss_family))
    return client.size > sizeof(sa_family_t) ? FindPlace(KeyOfPath(path, client.size)) : nullptr;
  if (trireme_connection* passed = PassedOnFrom(client.address, /*over=*/false)) return passed;
  trireme_connection* connection = FindPlace(KeyOfPair(client.address, server));
  const bool fresh = connection != nullptr && !HasBit({connection, kServer}, kOpened);
  return fresh ? connection : PassedOnFrom(client.address, /*over=*/true);
}

// A byte that is late or lost there wakes nobody, which is the fault's doing and not the program's.
constinit thread_local bool makes_own_pairs = false;

Medium MediumOf(int fd) {
  const int type = TypeOf(fd);
  if (type == SOCK_STREAM) return Medium::kStream;
  return type == SOCK_SEQPACKET ? Medium::kRecords : Medium::kDatagrams;
}

// `of_streams`: what a stream is called.
const char* KindOf(Medium medium, const char* of_streams) {
  if (medium == Medium::kStream) return of_streams;
  return medium == Medium::kRecords ? "seqpacket" : "datagram";
}

const char* KindOf(Medium medium, int family) {
  return KindOf(medium, family == AF_UNIX ? "unix" : "tcp");
}

}  // namespace

ConnectionEnd EndOf(int fd) {
  const Entry16* entry = KnownEntry(fd);
  if (entry == nullptr) return {};
  if (entry->connection == kNoConnection) return {};
  return {ConnectionAt(entry->connection - 1u), entry->side, static_cast<Medium>(entry->medium)};
}

bool IsDead(const ConnectionEnd& end) { return HasBit(end, kIsDead); }
void SetDead(const ConnectionEnd& end) { SetBit(end, kIsDead); }

bool AwaitsEndOfPeer(const ConnectionEnd& end) {
  const uint32_t now = __atomic_load_n(&end.connection->ends, __ATOMIC_ACQUIRE);
  return (now & kIsDead << (1 - end.side)) != 0 && (now & kIsToldOfPeer << end.side) == 0;
}
void SetToldOfPeer(const ConnectionEnd& end) { SetBit(end, kIsToldOfPeer); }
bool OwesReset(const ConnectionEnd& end) { return HasBit(end, kOwesReset); }
void SetOwesReset(const ConnectionEnd& end) { SetBit(end, kOwesReset); }

void SetDue(const ConnectionEnd& end, Direction direction, uint64_t offset, uint32_t first) {
  const Due due = NextDue(end.subject(end.transfer(direction)), offset, first);
  __atomic_store_n(&end.due(direction), due.word(), __ATOMIC_RELEASE);
}

void SetDueForMessage(const ConnectionEnd& end, Direction direction, const Due& due) {
  __atomic_store_n(&end.due(direction), due.word(), __ATOMIC_RELEASE);
}

ConnectionEnd OpenClient(int fd, const sockaddr* address, socklen_t length, ClientPort* port,
                         uint64_t* number) {
  const bool known = address != nullptr && length >= sizeof(sa_family_t) &&
                     (IsInternet(address->sa_family) || address->sa_family == AF_UNIX);
  if (!known || makes_own_pairs || EndOf(fd).connection != nullptr) return {};
  const Medium medium = MediumOf(fd);
  TaskName& task = CurrentTaskName();
  *number = __atomic_fetch_add(&task.connects, 1, __ATOMIC_RELAXED);
  const Peer server = CopyOf(address, length);
  Peer client{};
  const uint64_t key =
      medium == Medium::kDatagrams ? kOwnKey : KeyOfClient(fd, server, port, &client);
  trireme_connection* connection = Enter(key, kOfConnect, task, *number);
  return Open(fd, connection, kClient, medium, KindOf(medium, address->sa_family), &server,
              key == kOwnKey ? nullptr : &client);
}

bool MoveClient(int fd, const sockaddr* address, socklen_t length, ClientPort* port) {
  const KeepErrno keep;
  Entry16* entry = KnownEntry(fd);
  if (entry == nullptr || entry->connection == kNoConnection || port->number() == 0) return false;
  Peer client{};
  const uint64_t key = KeyOfClient(fd, CopyOf(address, length), port, &client);
  return key != kOwnKey && MoveTo(key, entry);
}

void NameConnected(int fd, const sockaddr* address, socklen_t length) {
  const KeepErrno keep;
  Entry16* entry = KnownEntry(fd);
  Peer client{};
  if (entry == nullptr || entry->connection == kNoConnection ||
      !GetName(SYS_getsockname, fd, &client.address, &client.size))
    return;
  MoveTo(KeyOfPair(client.address, CopyOf(address, length).address), entry);
}

void NoteConnected(int fd, const sockaddr* address, socklen_t length, int result) {
  const KeepErrno keep;
  const ConnectionEnd end = EndOf(fd);
  if (end.connection == nullptr || end.side != kClient || !end.socket() || end.datagrams()) return;
  const bool over = result == 0 ? length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC
                                : !GoesOn(errno);
  if (over && IsIdle(fd)) CloseEnd(fd);
}

ConnectionEnd EndForTransfer(int fd) {
  const Entry16* known = KnownEntry(fd);
  if (known != nullptr) return EndOf(fd);
  Entry16* entry = EntryOf(fd);
  if (entry == nullptr) return {};
  const int error = errno;
  ConnectionEnd end;
  if (TypeOf(fd) == SOCK_DGRAM) {
    TaskName& task = CurrentTaskName();
    const uint32_t number = __atomic_fetch_add(&task.connects, 1, __ATOMIC_RELAXED);
    trireme_connection* connection = Enter(kOwnKey, kOfConnect, task, number);
    end = Open(fd, connection, kClient, Medium::kDatagrams, "datagram");
  }
  if (end.connection == nullptr)
    *entry = {.connection = kNoConnection,
              .side = kClient,
              .medium = 0,
              .generation = ends_generation};
  errno = error;
  return end;
}

ConnectionEnd OpenServer(int fd, const Peer& peer) {
  if (makes_own_pairs) return {};
  Peer client = peer;
  sockaddr_storage server;
  socklen_t server_length = 0;
  const bool known =
      client.size != 0 || GetName(SYS_getpeername, fd, &client.address, &client.size);
  if (!known || !GetName(SYS_getsockname, fd, &server, &server_length)) return {};
  trireme_connection* connection = FindConnecting(client, server);
  // No number of it is the same in another run but by the order of their coming.
  if (connection == nullptr) {
    TaskName& maker = IsOfTrial(client, server) ? unwatched_task : outside_task;
    const uint32_t number = __atomic_fetch_add(&maker.connects, 1, __ATOMIC_RELAXED);
    connection = Enter(kOwnKey, kOfConnect, maker, number);
  }
  const Medium medium = MediumOf(fd);
  return Open(fd, connection, kServer, medium, KindOf(medium, server.ss_family), &client);
}

void MakeOwnPairs(bool own) { makes_own_pairs = own; }
bool MakesOwnPairs() { return makes_own_pairs; }

void OpenPair(const int* fds, bool sockets) {
  if (makes_own_pairs) return;
  TaskName& task = CurrentTaskName();
  uint32_t* count = sockets ? &task.connects : &task.pipes;
  const uint32_t number = __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
  trireme_connection* connection = Enter(kOwnKey, sockets ? kOfConnect : kOfPipe, task, number);
  const Medium medium = sockets ? MediumOf(fds[0]) : Medium::kPipe;
  const char* kind = sockets ? KindOf(medium, "pair") : "pipe";
  Open(fds[0], connection, kClient, medium, kind);
  Open(fds[1], connection, kServer, medium, kind);
}

ConnectionEnd OpenFile(int fd) {
  TaskName& task = CurrentTaskName();
  const uint64_t number = task.counts[TRIREME_CALL_OPEN];
  trireme_connection* connection = Enter(kOwnKey, kOfFile, task, number == 0 ? 0 : number - 1);
  return Open(fd, connection, kClient, Medium::kFile, "file");
}

void ForgetEnd(int fd) {
  Entry16* entry = EntryOf(fd);
  if (entry != nullptr && entry->connection != 0) entry->connection = 0;
}

void CopyEnd(int fd, int copy) {
  Entry16* to = EntryOf(copy);
  if (to == nullptr) return;
  const Entry16* from = KnownEntry(fd);
  *to = from == nullptr ? Entry16() : *from;
  if (const ConnectionEnd end = EndOf(copy); end.connection != nullptr) SetBit(end, kIsCopied);
}

// The last of several descriptors of an end closes it, but which one that is only the kernel knows: so each does, and
// what moves afterwards is followed all the same.
void CloseEnd(int fd) {
  const ConnectionEnd end = EndOf(fd);
  if (end.connection == nullptr) return ForgetEnd(fd);
  if (end.datagrams()) SendPostponedBeforeClose(fd);
  LogClosed(end);
  __atomic_fetch_or(&end.connection->ends, kClosed << end.side, __ATOMIC_RELEASE);
  ForgetEnd(fd);
}

void CloseAllOfEnd(int fd) {
  for (int other = NextOfEnd(fd, -1); other >= 0; other = NextOfEnd(fd, other))
    if (other != fd) ForgetEnd(other);
  CloseEnd(fd);
}

int NextOfEnd(int fd, int after) {
  const ConnectionEnd end = EndOf(fd);
  const bool alone = end.connection == nullptr || !HasBit(end, kIsCopied);
  if (alone) return after < fd ? fd : -1;
  for (int other = after + 1; other < static_cast<int>(kDescriptors); ++other) {
    const Entry16& entry = ends[other];
    const Entry16& own = ends[fd];
    if (entry.connection == own.connection && entry.side == own.side &&
        entry.generation == own.generation)
      return other;
  }
  return -1;
}

void NoteShutdown(int fd) {
  const ConnectionEnd end = EndOf(fd);
  if (end.connection != nullptr && RecordsWire()) LogEndOfBytes(end, kWrite, 1);
}

void ForgetAllEnds() { __atomic_add_fetch(&ends_generation, 1, __ATOMIC_RELAXED); }

}  // namespace trireme
