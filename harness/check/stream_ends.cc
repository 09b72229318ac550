#include "harness/check/stream_ends.h"

namespace trireme {

void StreamEnds::Connect(Index maker, Index stream, const Ends& ends) {
  if (ends.here.empty() || ends.there.empty()) return;
  Stream& made = streams_[stream];
  made.ends = ends;
  made.maker = maker;
  by_names_[{ends.here, ends.there}] = stream;
}

void StreamEnds::Use(Index actor, Index stream) { streams_[stream].users.insert(actor); }

void StreamEnds::Close(Index stream) { streams_[stream].closed = true; }

std::vector<StreamEnds::Index> StreamEnds::Across(Index stream) const {
  const auto here = streams_.find(stream);
  if (here == streams_.end()) return {};
  const Ends& ends = here->second.ends;
  const auto newest = by_names_.find({ends.here, ends.there});
  const auto there = by_names_.find({ends.there, ends.here});
  if (newest == by_names_.end() || newest->second != stream || there == by_names_.end()) return {};
  const Stream& other = streams_.at(there->second);
  if (here->second.closed || other.closed) return {};
  if (other.users.empty()) return {other.maker};
  return {other.users.begin(), other.users.end()};
}

}  // namespace trireme
