#ifndef TRIREME_HARNESS_FAULT_RESOURCE_H_
#define TRIREME_HARNESS_FAULT_RESOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault.h"

namespace trireme {

// What the trial gets no more of than that, from `after` on, for `duration`. At least one of them is there.
struct ResourceFault {
  std::optional<uint64_t> nofile;  // descriptors of each process
  std::optional<uint64_t> memory;  // bytes of addresses of each process
  std::optional<uint64_t>
      stack;  // bytes of the stack of first threads, and of all in programs started then
  std::optional<uint64_t> threads;  // of all processes of the trial together
  std::optional<uint64_t> disk;     // bytes of the folder that it has for its temporary files
  std::optional<uint64_t> cpu;      // threads of the harness that compete with it for processors
  int64_t after = 0;                // nanoseconds since the workload's first statement
  std::optional<int64_t> duration;  // nanoseconds; without: until the trial ends
};

// resource: {nofile: 24, after: 1s, for: 2s}
const FaultClass& ResourceFaultClass();

Result<ResourceFault> ReadResourceFault(const Fault& fault);

Status CheckResourceFault(const Fault& fault);

std::string WhyResourceFaultIsNotWatched(const Fault& fault);

// The names, as of `trireme doctor`, of what the machine must allow for it.
std::vector<std::string> CapabilitiesOf(const ResourceFault& fault);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_RESOURCE_H_
