#ifndef TRIREME_HARNESS_CLI_CAPABILITIES_H_
#define TRIREME_HARNESS_CLI_CAPABILITIES_H_

#include <string>
#include <vector>

namespace trireme {

// Something that a machine may or may not allow; `requires` of a scenario names it.
struct Capability {
  std::string name;
  bool available = false;
  std::string used_for;  // what Trireme does with it
  std::string reason;    // why it is not available, "" when it is
  std::string fix;       // the command that mends it, "" when there is none
};

// Their names, without trying any.
std::vector<std::string> CapabilityNames();

// Tries each of `names` (of CapabilityNames(); others are left out); without names each one. Takes
// some milliseconds each, and starts and ends children. REQUIRES: the process has one thread, and
// no other code in it waits for children.
std::vector<Capability> ProbeCapabilities(const std::vector<std::string>& names = {});

// What bounds the runs of this process.
struct Limit {
  std::string name;
  std::string value;   // "1024, at most 524288"
  bool enough = true;  // for the shipped scenarios
  std::string fix;     // when it is not
};

// `data` and `output` are folders, of which the nearest that exists is measured.
std::vector<Limit> ReadLimits(const std::string& data, const std::string& output);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_CAPABILITIES_H_
