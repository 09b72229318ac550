#include "harness/check/unordered_reads.h"

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "harness/check/happens_before.h"

namespace trireme {
namespace {

constexpr size_t kMostReaders = 64;

bool IsRead(const Event& event) {
  return event.kind == EventKind::kSync && event.task != 0 && ActionOf(event) == SyncAction::kRead;
}

// The streams that several tasks read, with these: as many as are looked at.
std::unordered_map<uint64_t, std::set<uint32_t>> SharedStreams(const TrialView& view) {
  std::unordered_map<uint64_t, std::set<uint32_t>> readers;
  for (const Event& event : view.history->events())
    if (IsRead(event)) readers[event.id].insert(event.task);
  std::unordered_map<uint64_t, std::set<uint32_t>> shared;
  std::set<uint32_t> all;
  for (const Event& event : view.history->events()) {
    if (!IsRead(event) || readers[event.id].size() < 2 || shared.contains(event.id)) continue;
    std::set<uint32_t> with = all;
    for (const uint32_t task : readers[event.id]) {
      if (with.size() > kMostReaders) break;
      with.insert(task);
    }
    if (with.size() > kMostReaders) break;
    all = std::move(with);
    shared.emplace(event.id, readers[event.id]);
  }
  return shared;
}

std::set<uint32_t> ReadersOf(const std::unordered_map<uint64_t, std::set<uint32_t>>& shared) {
  std::set<uint32_t> all;
  for (const auto& [stream, readers] : shared) all.insert(readers.begin(), readers.end());
  return all;
}

// A task's last read of a stream stands for those before, which come before it.
struct LastRead {
  HappensBefore::Moment moment;
  int64_t time = 0;
};

class ReadReplay {
 public:
  explicit ReadReplay(const std::set<uint32_t>& readers)
      : order_(readers, HappensBefore::Edges::kAll) {}

  void SeeOther(const Event& event) { order_.See(event); }

  void SeeRead(const Event& event) {
    std::map<uint32_t, LastRead>& last = last_[event.id];
    const HappensBefore::Moment now = order_.Now(event.task);
    for (const auto& [task, read] : last) {
      if (task == event.task || HappensBefore::Ordered(read.moment, now)) continue;
      if (!pairs_.insert({event.id, std::minmax(task, event.task)}).second) continue;
      found_.push_back({.stream = event.id,
                        .facts = {},
                        .first = task,
                        .second = event.task,
                        .first_time = read.time,
                        .second_time = event.time});
    }
    last[event.task] = {.moment = now, .time = event.time};
  }

  std::vector<UnorderedReads> Found() { return std::move(found_); }

 private:
  HappensBefore order_;
  std::unordered_map<uint64_t, std::map<uint32_t, LastRead>> last_;
  std::set<std::pair<uint64_t, std::pair<uint32_t, uint32_t>>> pairs_;
  std::vector<UnorderedReads> found_;
};

}  // namespace

std::vector<UnorderedReads> FindUnorderedReads(const TrialView& view) {
  const std::unordered_map<uint64_t, std::set<uint32_t>> shared = SharedStreams(view);
  if (shared.empty()) return {};
  std::unordered_map<uint64_t, ObjectFacts> facts;
  ReadReplay replay(ReadersOf(shared));
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kSync && shared.contains(event.id) &&
        ActionOf(event) == SyncAction::kNew)
      facts[event.id] = FactsOf(event);
    if (IsRead(event) && shared.contains(event.id))
      replay.SeeRead(event);
    else
      replay.SeeOther(event);
  }
  std::vector<UnorderedReads> streams;
  for (UnorderedReads& reads : replay.Found()) {
    reads.facts = facts[reads.stream];
    if (reads.facts.kind.empty() || reads.facts.kind == "stream") streams.push_back(reads);
  }
  return streams;
}

}  // namespace trireme
