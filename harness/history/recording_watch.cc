#include "harness/history/recording_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>
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

}  // namespace

bool RecordingWatch::Open() {
  if (!fd_.valid()) fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  return fd_.valid();
}

bool RecordingWatch::ReadPlan(trireme_plan* plan) {
  if (!Open()) return false;
  const Result<trireme_header> header = ReadHeader(FileSource(fd_.get()));
  if (!header.ok() || header->sealed != 0 || header->plan_size < sizeof(*plan)) return false;
  std::memcpy(plan, header->plan, sizeof(*plan));
  return plan->version == TRIREME_PLAN_VERSION;
}

void RecordingWatch::FindMoment(const trireme_plan& plan, uint32_t fault) {
  const FileSource source(fd_.get());
  for (uint32_t i = 0; i < plan.moments && moment_ == 0; ++i) {
    const uint64_t place = plan.moments_at + i * sizeof(trireme_moment);
    trireme_moment moment{};
    if (source.ReadAt(place, reinterpret_cast<char*>(&moment), sizeof(moment)) &&
        moment.fault == fault)
      moment_ = place;
  }
}

bool RecordingWatch::HasCome(uint32_t fault) {
  trireme_plan plan{};
  if (moment_ == 0 && ReadPlan(&plan)) FindMoment(plan, fault);
  trireme_moment moment{};
  return moment_ != 0 &&
         FileSource(fd_.get()).ReadAt(moment_, reinterpret_cast<char*>(&moment), sizeof(moment)) &&
         moment.seen >= moment.count;
}

void RecordingWatch::LetPass() {
  // Once: later the file may be a sealed history.
  const uint64_t moment = std::exchange(moment_, 0);
  const uint32_t passed = 1;
  if (moment != 0)
    (void)!::pwrite(fd_.get(), &passed, sizeof(passed),
                    static_cast<off_t>(moment + offsetof(trireme_moment, passed)));
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
  trireme_plan plan{};
  if (!ReadPlan(&plan) || plan.connections == 0) return false;
  const FileSource source(fd_.get());
  FindConnections(plan, connection);
  return std::any_of(connections_.begin(), connections_.end(), [&](uint64_t place) {
    trireme_connection found{};
    return source.ReadAt(place, reinterpret_cast<char*>(&found), sizeof(found)) &&
           HasMovedOn(found, offset);
  });
}

}  // namespace trireme
