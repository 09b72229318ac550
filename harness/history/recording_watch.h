#ifndef TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_
#define TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/unique_fd.h"
#include "harness/history/history.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// Looks at a recording while the processes of its trial write it.
class RecordingWatch {
 public:
  struct Seen {
    EventKind kind{};
    uint64_t id = 0;
    std::string_view key;
  };

  explicit RecordingWatch(std::string path) : path_(std::move(path)) {}

  // Calls `see` for each event that came since the last look; for some, of a thread that records much, a second time.
  // Events of different threads come in no order. Reads only what is new.
  void Look(const std::function<void(const Seen&)>& see);

  // Whether the byte at `offset` of a connection has moved, at any end and in any direction. `connection`: a glob over its
  // id or name; "": any; always the same one.
  bool HasMoved(const std::string& connection, uint64_t offset);

 private:
  // How far a chunk was read. Its owner may empty and fill it anew: then `newest` is not there any more.
  struct Place {
    uint64_t used = 0;
    uint64_t last = 0;  // where the last record read begins
    uint64_t time = 0;  // of that record
  };

  bool Open();
  void FindConnections(const trireme_plan& plan, const std::string& pattern);
  void LookAtChunk(uint64_t offset, uint64_t used, const std::function<void(const Seen&)>& see);

  std::string path_;
  UniqueFd fd_;
  std::map<uint64_t, Place> places_;   // by the chunk's offset in the file
  std::vector<uint64_t> connections_;  // offsets in the file of those that HasMoved() was asked for
  uint64_t next_connection_ = 0;       // as of when they were looked for
  int looks_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_RECORDING_WATCH_H_
