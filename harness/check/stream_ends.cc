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

StreamEnds::Index StreamEnds::OtherEnd(Index stream) const {
  const auto here = streams_.find(stream);
  if (here == streams_.end()) return WaitGraph::kNone;
  const Ends& ends = here->second.ends;
  const auto newest = by_names_.find({ends.here, ends.there});
  const auto other = by_names_.find({ends.there, ends.here});
  const bool known = newest != by_names_.end() && newest->second == stream;
  return known && other != by_names_.end() ? other->second : WaitGraph::kNone;
}

std::vector<StreamEnds::Index> StreamEnds::Across(Index stream) const {
  const Index index = OtherEnd(stream);
  if (index == WaitGraph::kNone) return {};
  const Stream& other = streams_.at(index);
  if (streams_.at(stream).closed || other.closed) return {};
  if (other.users.empty()) return {other.maker};
  return {other.users.begin(), other.users.end()};
}

}  // namespace trireme
