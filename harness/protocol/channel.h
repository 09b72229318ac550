#ifndef TRIREME_HARNESS_PROTOCOL_CHANNEL_H_
#define TRIREME_HARNESS_PROTOCOL_CHANNEL_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/unique_fd.h"

namespace trireme {

inline constexpr int kProtocolVersion = 1;
inline constexpr size_t kMaxPacket = 128 * 1024;
inline constexpr size_t kMaxPacketDescriptors = 8;

struct Packet {
  Json message;
  std::vector<UniqueFd> descriptors;
};

// One end of a runner protocol socket (PROTOCOL.md): whole JSON objects with descriptors beside them.
// Thread safety: one thread at a time.
class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Two connected ends, both close-on-exec.
  static Result<std::pair<Channel, Channel>> MakePair();

  int fd() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }
  void Close() { socket_.Reset(); }
  UniqueFd TakeSocket() { return std::move(socket_); }

  // An error when the peer is gone, its buffer stays full for a second, or the message is too long.
  Status Send(const Json& message, const std::vector<int>& descriptors = {});

  // Nothing when the peer closed its end. An error for what is no protocol: no JSON object, no type, cut short.
  // Waits for a packet; poll fd() first not to.
  Result<std::optional<Packet>> Receive();

 private:
  UniqueFd socket_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROTOCOL_CHANNEL_H_
