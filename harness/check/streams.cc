#include "harness/check/streams.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

struct NumberedConnection {
  std::string connection, name, kind;
};

class StreamReader {
 public:
  void Add(const Event& event) {
    if (event.kind == EventKind::kConnection) AddConnection(event);
    if (event.kind == EventKind::kWire) AddWire(event);
  }
  Streams Finish() {
    for (const StreamKey& key : closed_) {
      // Whether it was one to the other end as well, or a reset, only that one's read can tell.
      Stream& written = streams_[key];
      if (written.recorded && written.close.empty()) written.close = "FIN";
    }
    for (auto& [key, stream] : streams_)
      if (stream.moved < 0 && stream.recorded) stream.moved = Size(stream);
    return std::move(streams_);
  }

 private:
  static int64_t Size(const Stream& stream) { return static_cast<int64_t>(stream.bytes.size()); }

  NumberedConnection Known(uint64_t number) const {
    const auto found = connections_.find(number);
    NumberedConnection known;
    if (found != connections_.end()) known = found->second;
    if (known.connection.empty()) known.connection = "(connection " + std::to_string(number) + ")";
    return known;
  }

  Stream& StreamOf(uint64_t number, const std::string& side, const std::string& direction) {
    const NumberedConnection known = Known(number);
    Stream& stream =
        streams_[{.connection = known.connection, .side = side, .direction = direction}];
    if (stream.name.empty()) stream.name = known.name;
    if (stream.kind.empty()) stream.kind = known.kind;
    return stream;
  }

  void AddConnection(const Event& event) {
    const Json value = event.Value();
    const std::string side = GetString(value, "side");
    if (event.key == "opened")
      connections_[event.id] = {.connection = GetString(value, "connection"),
                                .name = GetString(value, "name"),
                                .kind = GetString(value, "kind")};
    for (const auto& [direction, member] : {std::pair("read", "read"), {"write", "written"}}) {
      Stream& stream = StreamOf(event.id, side, direction);
      if (event.key == "closed") stream.moved = std::max(stream.moved, GetInt(value, member, -1));
    }
    if (event.key == "closed")
      closed_.insert(
          {.connection = Known(event.id).connection, .side = side, .direction = "write"});
  }

  void AddWire(const Event& event) {
    const std::string key = ToValidUtf8(event.key);
    const size_t space = key.find(' ');
    if (space == std::string::npos) return;
    const std::string side = key.substr(0, space);
    const std::string direction = key.substr(space + 1);
    Stream& stream = StreamOf(event.id, side, direction);
    stream.recorded = true;
    if (event.type == ValueType::kInt) {
      AddClose(stream, event.Value().get<int64_t>());
      return;
    }
    stream.bytes += event.raw;
    if (direction == "read" && !event.raw.empty()) {
      Stream& written = StreamOf(event.id, side, "write");
      if (written.close == "FIN") written.close = "FIN, half";
    }
  }

  static void AddClose(Stream& stream, int64_t how) {
    if (!stream.close.empty()) return;  // what comes after the first is the runtime's clean-up
    if (how == 0 || how == 1)
      stream.close = "FIN";
    else
      stream.close = how == ECONNRESET ? "RST" : "errno " + std::to_string(how);
  }

  std::map<uint64_t, NumberedConnection> connections_;
  Streams streams_;
  std::set<StreamKey> closed_;  // whose end was closed
};

}  // namespace

Streams ReadStreams(const TrialView& view) {
  StreamReader reader;
  for (const Event& event : view.history->events()) reader.Add(event);
  return reader.Finish();
}

}  // namespace trireme
