#ifndef TRIREME_HARNESS_PROBE_FAULT_GATE_H_
#define TRIREME_HARNESS_PROBE_FAULT_GATE_H_

#include "harness/probe/probe_abi.h"

namespace trireme {

// libfiu as the gate of all faults on system calls: each kind of call is a point of it ("trireme/net/recv"), which
// fiu-ctrl can switch off, or make fail on its own, while a program runs; points in the user's own code work beside ours.
// A plan's decision is an external callback. Where libfiu is not installed, and in forked children, whose copy of its lock
// may be held for ever, the plan alone decides; a WARNING of category `faults` says so.

// Loads libfiu where a plan has faults, or FIU_CTRL_FIFO asks for its remote control. Allocates.
void OpenGate();
void ShutGateInChild();
// The pipes of fiu-ctrl, which libfiu removes by a handler of exit(3), of a process that runs none. Async-signal-safe.
void RemoveGatePipes();

// Whether a fault that the plan decided on may happen.
bool GateLets(trireme_fault_call call);
// The errno with which fiu-ctrl wants this call to fail; 0: it does not.
int GateWants(trireme_fault_call call);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_FAULT_GATE_H_
