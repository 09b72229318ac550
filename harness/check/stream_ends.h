#ifndef TRIREME_HARNESS_CHECK_STREAM_ENDS_H_
#define TRIREME_HARNESS_CHECK_STREAM_ENDS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/sync_events.h"
#include "harness/check/wait_graph.h"

namespace trireme {

// Who is at the other end of the streams of a trial: tasks that wait for bytes, or for room, wait for these.
//
// Known where both ends were made by the workload and told their names. Whoever read from or wrote to an end may do so
// again; where nobody has yet, it is who made it.
class StreamEnds {
 public:
  using Index = WaitGraph::Index;

  void Connect(Index maker, Index stream, const Ends& ends);
  void Use(Index actor, Index stream);
  void Close(Index stream);

  // Whether both ends are the trial's: who waits at one waits for another task.
  bool AreKnown(Index stream) const { return OtherEnd(stream) != WaitGraph::kNone; }
  // Empty where they are not, or one of the two is closed: then the wait ends by itself, or may.
  std::vector<Index> Across(Index stream) const;

 private:
  struct Stream {
    Ends ends;
    Index maker = WaitGraph::kNone;
    std::set<Index> users;
    bool closed = false;
  };

  Index OtherEnd(Index stream) const;

  std::map<Index, Stream> streams_;
  // By its own name and the other's. A port that was given out again is that of the newer one.
  std::map<std::pair<std::string, std::string>, Index> by_names_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_STREAM_ENDS_H_
