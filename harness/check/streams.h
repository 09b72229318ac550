#ifndef TRIREME_HARNESS_CHECK_STREAMS_H_
#define TRIREME_HARNESS_CHECK_STREAMS_H_

#include <cstdint>
#include <map>
#include <string>

#include "harness/check/trial_view.h"

namespace trireme {

// One direction at one end of a logical connection: the same on every runtime.
struct StreamKey {
  std::string connection;  // its id, "1.2#0"
  std::string side;        // client or server
  std::string direction;   // read or write

  auto operator<=>(const StreamKey&) const = default;
  // "client read of 1.2#0"
  std::string InWords() const { return side + " " + direction + " of " + connection; }
};

struct Stream {
  std::string name;       // of the connection, with the task's name instead of its path
  std::string kind;       // tcp, unix, pair, seqpacket, datagram, pipe, file; "" where it is not known
  int64_t moved = -1;     // bytes in all; -1: the record does not say
  bool recorded = false;  // `bytes` are what moved
  std::string bytes;
  std::string
      close;  // "FIN" (also of an end that was closed), "RST", "FIN, half" (the other direction went on), "errno 32"; "": none was seen
};

using Streams = std::map<StreamKey, Stream>;

// What the CONNECTION and WIRE events of a trial say: the segments of a stream joined, in the order of their times.
Streams ReadStreams(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_STREAMS_H_
