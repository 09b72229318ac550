#include "harness/fault/pipe_faults.h"

#include <algorithm>
#include <limits>

#include "harness/base/clock.h"
#include "harness/base/rng.h"

namespace trireme {
namespace {

double InSeconds(int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / static_cast<double>(kNanosecondsPerSecond);
}

Json ShapeOf(const NetworkFault& fault) {
  Json what = Json::object();
  if (fault.latency > 0) what["latency"] = InSeconds(fault.latency);
  if (fault.jitter > 0) what["jitter"] = InSeconds(fault.jitter);
  if (fault.bandwidth > 0) what["bandwidth"] = fault.bandwidth;
  if (fault.slice > 0) what["slice"] = fault.slice;
  return what;
}

Json WhatHappens(const PipeFaults::Event& event) {
  switch (event.kind) {
    case PipeFaults::Kind::kStall:
      return {{"stall", InSeconds(event.fault->stall)}};
    case PipeFaults::Kind::kHalfOpen:
      return {{"half-open", true}};
    case PipeFaults::Kind::kHalfClose:
      return {{"half-close", true}};
    case PipeFaults::Kind::kClose:
      break;
  }
  return {{"close", event.fault->close == NetworkFault::Close::kFin ? "fin" : "rst"}};
}

bool IsAmong(const NetworkFault* fault, const std::vector<const NetworkFault*>& faults) {
  return std::find(faults.begin(), faults.end(), fault) != faults.end();
}

// The smaller one of limits, of which 0 is none.
template <typename T>
T Tighter(T limit, T other) {
  if (limit == 0 || other == 0) return std::max(limit, other);
  return std::min(limit, other);
}

}  // namespace

int64_t JitterOf(const NetworkFault& fault, uint64_t connection_hash, Way way, uint64_t offset) {
  if (fault.jitter <= 0) return 0;
  const uint64_t piece = offset / kJitterPiece * 2 + static_cast<uint64_t>(way);
  const uint64_t chance = Mix64(Mix64(fault.seed ^ connection_hash) ^ Mix64(piece));
  return static_cast<int64_t>(chance % (static_cast<uint64_t>(fault.jitter) + 1));
}

void PipeFaults::Set(const std::vector<const NetworkFault*>& faults, uint64_t forwarded,
                     const PipeReport& report) {
  faults_.clear();
  for (const NetworkFault* fault : faults)
    if (fault->Hits(way_)) faults_.push_back(fault);
  Forget(forwarded, report);
  late_.clear();
  untold_.clear();
  events_.clear();
  jitters_ = silent_ = false;
  bandwidth_ = 0;
  slice_ = 0;
  for (const NetworkFault* fault : faults_) {
    if (fault->latency > 0 || fault->jitter > 0) late_.push_back(fault);
    jitters_ |= fault->jitter > 0;
    bandwidth_ = Tighter(bandwidth_, fault->bandwidth);
    slice_ = Tighter(slice_, static_cast<uint64_t>(fault->slice));
    if (!ShapeOf(*fault).empty() && !IsAmong(fault, told_)) untold_.push_back(fault);
    AddEvents(*fault, forwarded);
  }
}

// Those that are over: a fault of the same number may come again.
void PipeFaults::Forget(uint64_t forwarded, const PipeReport& report) {
  std::erase_if(told_, [&](const NetworkFault* fault) {
    if (holds(fault)) return false;
    Json what = ShapeOf(*fault);
    what["over"] = true;
    report(*fault, way_, forwarded, std::move(what));
    return true;
  });
  std::erase_if(begun_, [this](const Begun& begun) {
    return std::none_of(faults_.begin(), faults_.end(),
                        [&](const NetworkFault* fault) { return fault->number == begun.first; });
  });
}

void PipeFaults::AddEvents(const NetworkFault& fault, uint64_t forwarded) {
  if (fault.stall > 0) AddEvent(fault, Kind::kStall, fault.offset, forwarded);
  if (fault.half_open) AddEvent(fault, Kind::kHalfOpen, fault.offset, forwarded);
  if (fault.half_close) AddEvent(fault, Kind::kHalfClose, fault.offset, forwarded);
  if (fault.close != NetworkFault::Close::kNone)
    AddEvent(fault, Kind::kClose, fault.cut, forwarded);
}

// What was to happen at a byte that has passed never does.
void PipeFaults::AddEvent(const NetworkFault& fault, Kind kind, const std::optional<int64_t>& at,
                          uint64_t forwarded) {
  if (begun_.contains({fault.number, kind})) {
    silent_ |= kind == Kind::kHalfOpen;
    return;
  }
  const uint64_t where = at ? static_cast<uint64_t>(*at) : forwarded;
  if (where >= forwarded) events_.push_back({&fault, kind, where});
}

bool PipeFaults::holds(const NetworkFault* fault) const { return IsAmong(fault, faults_); }

int64_t PipeFaults::Delay(uint64_t offset) const {
  int64_t delay = 0;
  for (const NetworkFault* fault : late_)
    delay += fault->latency + JitterOf(*fault, hash_, way_, offset);
  return delay;
}

uint64_t PipeFaults::Room(uint64_t forwarded) const {
  uint64_t room = std::numeric_limits<uint64_t>::max();
  if (slice_ > 0) room = slice_ - forwarded % slice_;
  for (const Event& event : events_)
    if (event.at > forwarded) room = std::min(room, event.at - forwarded);
  return room;
}

std::optional<PipeFaults::Event> PipeFaults::Take(uint64_t forwarded, const PipeReport& report) {
  const auto due = std::find_if(events_.begin(), events_.end(),
                                [&](const Event& event) { return event.at == forwarded; });
  if (due == events_.end()) return std::nullopt;
  const Event event = *due;
  events_.erase(due);
  begun_.insert({event.fault->number, event.kind});
  silent_ |= event.kind == Kind::kHalfOpen;
  report(*event.fault, way_, event.at, WhatHappens(event));
  return event;
}

void PipeFaults::Tell(uint64_t offset, const PipeReport& report) {
  for (const NetworkFault* fault : untold_) {
    report(*fault, way_, offset, ShapeOf(*fault));
    told_.push_back(fault);
  }
  untold_.clear();
}

}  // namespace trireme
