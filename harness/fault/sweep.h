#ifndef TRIREME_HARNESS_FAULT_SWEEP_H_
#define TRIREME_HARNESS_FAULT_SWEEP_H_

#include <string>

#include "harness/base/json.h"
#include "harness/fault/fault.h"
#include "harness/history/history.h"

namespace trireme {

// Sweeps: a fault that says `sweep: every-point` strikes at each point that it can strike at in turn, one a trial. A
// point is of a task, one of those where it waits: {fault, task, name, point, kind}; or of the system calls, one event
// or a byte of a stream at which a call begins: {fault, call, side, connection, direction, offset}.

// Whether the fault strikes at each point in turn.
bool IsSweep(const Fault& fault);

// The points that a trial of the plan, compiled with its sweeps, came to: a list, each once, in the order of tasks,
// connections and places, which is no matter of time. What was before the first task belongs to no workload: a runtime
// that makes its loop.
Json PointsOfTrial(const FaultPlan& plan, const History& history);

// The points of several such lists, each once, in the same order.
Json MergedPoints(const Json& points, const Json& more);

// The plan of a trial of a sweep: the fault that `point` names strikes there and nowhere else. The others that sweep are
// for CompilePlan() to leave out.
FaultPlan FaultsAtPoint(FaultPlan plan, const Json& point);

// "1.1 (worker-0) at point 2, sleep", "recv of 1.2#0, client, at byte 4096"
std::string DescribePoint(const Json& point);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_SWEEP_H_
