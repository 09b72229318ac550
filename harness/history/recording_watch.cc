#include "harness/history/recording_watch.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness/base/strings.h"
#include "harness/history/packing.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

// The text in a place of a fixed size.
template <size_t kSize>
std::string TextIn(const char (&place)[kSize]) {
  return {place, ::strnlen(place, kSize)};
}

bool IsMeant(const trireme_connection& connection, const std::string& pattern) {
  return connection.key != 0 && (pattern.empty() || GlobMatches(pattern, TextIn(connection.id)) ||
                                 GlobMatches(pattern, TextIn(connection.name)));
}

bool HasMovedOn(const trireme_connection& connection, uint64_t offset) {
  for (const auto& side : connection.moved)
    for (const uint64_t moved : side)
      if (moved > offset) return true;
  return false;
}

// The whole table is a megabyte: it is read when there is a connection more, and now and then, since one gets its number
// before it stands in the table.
constexpr int kLooksAtKnown = 16;

// The plan block, where there is one that has connections.
bool ReadPlanBlock(const trireme_header& header, trireme_plan* plan) {
  if (header.plan_size < sizeof(*plan)) return false;
  std::memcpy(plan, header.plan, sizeof(*plan));
  return plan->version == TRIREME_PLAN_VERSION && plan->connections > 0;
}

}  // namespace

bool RecordingWatch::Open() {
  if (!fd_.valid()) fd_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return fd_.valid();
}

void RecordingWatch::Look(const std::function<void(const Seen&)>& see) {
  if (!Open()) return;
  const FileSource source(fd_.get());
  const Result<trireme_header> header = ReadHeader(source);
  if (!header.ok() || header->sealed != 0) return;
  uint64_t offset = TRIREME_HEADER_SIZE;
  trireme_chunk chunk{};
  while (source.ReadAt(offset, reinterpret_cast<char*>(&chunk), sizeof(chunk))) {
    const bool holds = chunk.magic == TRIREME_CHUNK_MAGIC;
    const bool spans = holds && chunk.capacity != 0 && chunk.capacity <= source.Size();
    if (spans && chunk.used <= chunk.capacity - sizeof(chunk)) LookAtChunk(offset, chunk.used, see);
    offset += spans ? chunk.capacity : header->chunk_size;
  }
}

void RecordingWatch::LookAtChunk(uint64_t offset, uint64_t used,
                                 const std::function<void(const Seen&)>& see) {
  Place& place = places_[offset];
  const uint64_t records = offset + sizeof(trireme_chunk);
  const FileSource source(fd_.get());
  trireme_record last{};
  const bool emptied =
      used < place.used ||
      (place.used > 0 &&
       (!source.ReadAt(records + place.last, reinterpret_cast<char*>(&last), sizeof(last)) ||
        last.time != place.time));
  if (emptied) place = {};
  if (used <= place.used) return;
  std::vector<char> bytes(used - place.used);
  if (!source.ReadAt(records + place.used, bytes.data(), bytes.size())) return;
  const size_t whole = WholeRecords({bytes.data(), bytes.size()});
  for (size_t at = 0; at < whole;) {
    trireme_record record{};
    std::memcpy(&record, bytes.data() + at, sizeof(record));
    see({.kind = static_cast<EventKind>(record.kind),
         .id = record.id,
         .key = {bytes.data() + at + sizeof(record), record.key_size}});
    place.last = place.used + at;
    place.time = record.time;
    at += record.size;
  }
  place.used += whole;
}

void RecordingWatch::FindConnections(const trireme_plan& plan, const std::string& pattern) {
  if (plan.next_connection == next_connection_ && ++looks_ < kLooksAtKnown) return;
  next_connection_ = plan.next_connection;
  looks_ = 0;
  connections_.clear();
  std::vector<trireme_connection> table(plan.connections);
  const FileSource source(fd_.get());
  const size_t size = table.size() * sizeof(trireme_connection);
  if (!source.ReadAt(plan.connections_at, reinterpret_cast<char*>(table.data()), size)) return;
  for (size_t i = 0; i < table.size(); ++i)
    if (IsMeant(table[i], pattern))
      connections_.push_back(plan.connections_at + i * sizeof(trireme_connection));
}

bool RecordingWatch::HasMoved(const std::string& connection, uint64_t offset) {
  if (!Open()) return false;
  const FileSource source(fd_.get());
  const Result<trireme_header> header = ReadHeader(source);
  trireme_plan plan{};
  if (!header.ok() || !ReadPlanBlock(*header, &plan)) return false;
  FindConnections(plan, connection);
  return std::any_of(connections_.begin(), connections_.end(), [&](uint64_t place) {
    trireme_connection found{};
    return source.ReadAt(place, reinterpret_cast<char*>(&found), sizeof(found)) &&
           HasMovedOn(found, offset);
  });
}

}  // namespace trireme
