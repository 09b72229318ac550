#ifndef TRIREME_HARNESS_CHECK_APPLIED_FAULTS_H_
#define TRIREME_HARNESS_CHECK_APPLIED_FAULTS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/trial_view.h"

namespace trireme {

// A fault that was applied in a trial: one FAULT event ("Faults" in probe_abi.h), with the one that says that it is over.
struct AppliedFault {
  uint64_t number = 0;  // in the plan, from 1; 0: not said
  std::string name;
  Json action;                                    // its `do`
  std::string call, side, connection, direction;  // "" where its class has none
  int64_t offset = -1;                            // -1: none
  int64_t point = 0;                              // of a task, at which it was stopped; 0: none
  int64_t time = 0;                               // nanoseconds since the trial began
  int64_t end = 0;     // of its effect: that of a delay or stall, or when it was over
  bool lasts = false;  // it goes on until it is said to be over, and that was not said
  uint32_t task = 0;
  uint32_t process = 0, thread = 0;  // where it was recorded
};

// In the order of their times.
std::vector<AppliedFault> AppliedFaults(const TrialView& view);

// Of those, and no more: it takes a small part of the time where there are tens of thousands.
std::set<std::string> NamesOfAppliedFaults(const TrialView& view);

// What of the faults could not be done, and why: "fault 'few': no process has more than 300 anyway"; and what the probe and
// the proxy warn of: "the proxy cannot connect on: Too many open files".
std::set<std::string> FaultProblems(const TrialView& view);

// The signal that it sent, as "KILL"; "" for none.
std::string SignalOf(const AppliedFault& fault);

// "'cut' (short 1) at byte 4096 of server read of 1.2#0"
std::string DescribeFault(const AppliedFault& fault);

// The faults of a cell of plan.json, in the order of their numbers; what is no plan has none.
std::vector<Json> PlannedFaults(const Json& cell);
bool HasFaultPlan(const Json& cell);

// Whether `fault`, of the plan, strikes at one point a trial, which the plan of the run names for all runtimes.
bool IsSweep(const Json& fault);

// Whether `fault`, of the plan, hits one byte: which of them it is, no runtime has a say in. That of a sweep is its point.
bool IsExact(const Json& fault);

// Whether the proxy applied it to one direction of a connection. Its offset is how many bytes had been passed on.
bool IsOfProxy(const AppliedFault& fault);

// Whether it hits each byte at which a call begins: where calls begin each runtime decides, and so where this fault is.
bool IsPlacedByCalls(const Json& fault);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_APPLIED_FAULTS_H_
