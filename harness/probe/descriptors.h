#ifndef TRIREME_HARNESS_PROBE_DESCRIPTORS_H_
#define TRIREME_HARNESS_PROBE_DESCRIPTORS_H_

#include <stdint.h>

namespace trireme {

enum class ObjectKind : uint8_t { kUnknown, kIgnored, kStream, kDatagram, kPipe, kEventfd, kEpoll };
enum Direction : int { kRead = 0, kWrite = 1 };
constexpr Direction kDirections[] = {kRead, kWrite};

// "stream"; a constant.
const char* NameOf(ObjectKind kind);

// A kernel object, whatever the number of descriptors and processes that share it. Sockets and pipes are known by
// their inode, which the kernel counts up and so does not soon use again; all eventfds share one inode and are known by
// their id (/proc/self/fdinfo).
struct ObjectId {
  uint64_t inode = 0;
  uint32_t device = 0;

  bool operator==(const ObjectId& other) const {
    return inode == other.inode && device == other.device;
  }
};

// What this process knows of a descriptor number. It is forgotten at the calls that give or take a number; one that
// changed hands out of our sight is found out by Identify() before anything is reported. In one cache line.
struct alignas(64) Descriptor {
  ObjectId id;
  uint32_t slot = 0;        // where its object was last found, plus 1
  uint32_t generation = 0;  // of the recording that this belongs to
  // Of an epoll set, its number; of others, the set that holds it for reading, as in trireme_object.
  uint32_t epoll = 0;
  uint32_t thread = 0;  // of an epoll set: which last put something into it
  // By direction: where the program began the newest wait for it, atomic; null: it has not waited.
  const void* places[2] = {};
  ObjectKind kind = ObjectKind::kUnknown;
  uint8_t closed_for = 0;  // bit d: the end of a pipe that is not for direction d
  uint8_t registered = 0;  // bit d: some epoll set tells when it is ready for direction d
  uint32_t poller = 0;     // of an epoll set: the thread that last waited there
};

// Descriptors beyond these are not followed.
constexpr unsigned kDescriptors = 65536;

// Null where nothing is known of the number; touches no page that nobody used.
Descriptor* KnownDescriptor(int fd);
// Null for a number that is not followed. The kind is kUnknown until LookUp().
Descriptor* FindDescriptor(int fd);
// The same, identified. REQUIRES: FollowedHeader(). Null for what is no socket, pipe, eventfd or epoll set.
Descriptor* LookUp(int fd);
// Asks the kernel what `fd` is now. Several system calls.
ObjectKind Identify(int fd, ObjectId* id);

// Every descriptor that is in that epoll set for reading, as far as this process put it there.
void ForEachIn(uint32_t epoll, void (*function)(Descriptor*));

// By which descriptor an epoll set holds an object, and which thread last put something into the set; -1 and 0 where
// this process does not know.
struct Holding {
  int fd = -1;
  uint32_t thread = 0;
};
Holding HoldingOf(uint32_t epoll, const ObjectId& id);

// The number was given out or taken back: nothing is known of it.
void Forget(int fd);
// `copy` is now the same open file as `fd`.
void CopyDescriptor(int fd, int copy);
// Another recording: nothing is known of any number.
void ForgetAllDescriptors();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_DESCRIPTORS_H_
