#ifndef TRIREME_HARNESS_HISTORY_WRITER_H_
#define TRIREME_HARNESS_HISTORY_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/history/compiled_plan.h"
#include "harness/history/history.h"

namespace trireme {

// Of so many ports each second, from the first on; none: the kernel chooses.
struct PortRange {
  uint16_t first = 0;
  uint16_t count = 0;
};

struct RecordingOptions {
  int64_t begin_time = 0;           // CLOCK_MONOTONIC
  uint32_t chunk_size = 8 * 1024;   // bytes; a thread that fills its chunk gets larger ones
  uint32_t chunks = 8;              // backed by disk from the start: one a thread at first
  uint64_t max_bytes = 1ULL << 30;  // then events are lost, and the trial is unknown
  bool recording = true;
  std::vector<EventKind> left_out;  // these are not recorded
  int64_t hold_threshold = 0;       // nanoseconds; 0: loops are not watched
  int64_t usage_interval = 0;       // nanoseconds; 0: no USAGE events
  uint32_t objects = 1024;          // that tasks may wait for at once and be followed; 0: none is
  CompiledPlan plan;                // what the probe decides faults by
  PortRange ports = {};             // for sockets that any will do for
  PortRange clients = {};           // for clients that are followed; other trials have them too
};

// Makes the file that a trial's processes attach to.
Status CreateRecording(const std::string& path, const RecordingOptions& options);

// From now on these are left out, and no others. REQUIRES: a file that CreateRecording() made; it may be in use.
Status LeaveOut(const std::string& path, const std::vector<EventKind>& kinds);

// The time of the newest event in a file that may still be written (CLOCK_MONOTONIC), or 0; reads
// the tail of each chunk only. For the engine's judgement whether a trial progresses.
int64_t NewestEventTime(const std::string& path);

// An event that the harness itself adds.
struct NewEvent {
  EventKind kind{};
  int64_t time = 0;  // CLOCK_MONOTONIC
  std::string key;
  Json value;  // what is binary is recorded as bytes
  uint32_t task = 0;
  uint64_t id = 0;
  uint32_t process = 0;
  uint32_t thread = 0;
};

// Adds the events to a history in the layout of a sealed one: a chunk for each run of them of one process.
void AppendEvents(const std::vector<NewEvent>& events, std::vector<char>* out);

// Where the events are that the harness has added while it was recorded.
enum class HarnessPart { kInAdded, kInJournal };

// Packs the recording at `path` into the history at `sealed_path`, with `added` at its end, and
// removes the recording. What cannot be read of it stays beside it as <path>.damaged, and the
// history says so. Written whole or not at all.
Status SealRecording(const std::string& path, const std::string& sealed_path,
                     const std::vector<NewEvent>& added,
                     HarnessPart harness = HarnessPart::kInAdded);

// What a history says of its recording beside the events.
struct HistoryFacts {
  std::string_view damage = "";  // what is missing of it, "" for nothing
  int64_t hold_threshold = 0;    // as RecordingOptions has them
  int64_t usage_interval = 0;
  uint64_t lost = 0;  // events that could not be recorded
};

// A history from events alone: for tests and importers.
std::string EncodeHistory(int64_t begin_time, const std::vector<NewEvent>& events,
                          const HistoryFacts& facts = {});

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_WRITER_H_
