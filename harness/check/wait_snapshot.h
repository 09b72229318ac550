#ifndef TRIREME_HARNESS_CHECK_WAIT_SNAPSHOT_H_
#define TRIREME_HARNESS_CHECK_WAIT_SNAPSHOT_H_

#include <string>
#include <vector>

#include "harness/check/trial_view.h"
#include "harness/check/wait_graph.h"

namespace trireme {

// Who waits for what in one process of a watched program, as the adapter in it saw it at one moment: the value of a SYNC
// `snapshot`, see probe_abi.h. Of a program that nobody wrote for us most locks are taken and given back without a wait, so
// that replaying each would cost more than the program does.
struct WaitSnapshot {
  WaitGraph graph;  // an actor without a wait stands for all that can go on
  std::vector<std::vector<std::string>> stacks;  // by actor
  std::vector<int64_t> threads;                  // by actor

  // The task, its thread and where it waits.
  Participant ParticipantOf(const TrialView& view, WaitGraph::Index actor) const;
};

bool IsSnapshot(const Event& event);

// What is damaged in it is taken to be able to go on. REQUIRES: IsSnapshot(event).
WaitSnapshot ReadSnapshot(const Event& event);

// Whether a process of the watched program said what its tasks wait for.
bool HasSnapshots(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WAIT_SNAPSHOT_H_
