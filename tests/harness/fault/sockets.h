#ifndef TRIREME_TESTS_HARNESS_FAULT_SOCKETS_H_
#define TRIREME_TESTS_HARNESS_FAULT_SOCKETS_H_

#include <string>

#include "harness/base/unique_fd.h"
#include "harness/fault/loopback.h"

namespace trireme {

// Blocking sockets of a test; what takes longer than half a minute fails.

UniqueFd ListenSocket();
LoopbackAddress NameOf(int fd);
UniqueFd ConnectSocket(const LoopbackAddress& to);
UniqueFd AcceptSocket(int listener);
void SendAll(int fd, const std::string& bytes);
// Exactly so many, or less when the end or an error comes before.
std::string ReadExactly(int fd, size_t size);
// What is left up to the end, and how it came: "" for the end of the stream, else the errno's name.
struct Rest {
  std::string bytes, error;
};
Rest ReadRest(int fd);
// Nothing can be read now, not even an end.
bool IsQuiet(int fd);
void EndByReset(UniqueFd fd);
// Bytes that differ at each place, for each seed.
std::string Pattern(size_t size, uint64_t seed = 1);

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_FAULT_SOCKETS_H_
