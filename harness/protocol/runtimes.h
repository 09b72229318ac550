#ifndef TRIREME_HARNESS_PROTOCOL_RUNTIMES_H_
#define TRIREME_HARNESS_PROTOCOL_RUNTIMES_H_

#include <span>
#include <string_view>

namespace trireme {

// One way to execute a workload.
struct RuntimeInfo {
  std::string_view name;
  std::string_view model;     // green, native, async
  std::string_view language;  // cpp, python
  bool runs_commands;         // may host a command workload
  bool blocks;                // its sockets do: no call on them is ever told EAGAIN
  std::string_view hub;       // Eventlet's, on which a command runs patched; "" without Eventlet
  std::string_view summary;   // what a task is; what serves
};

// Every runtime of this build, references first (eventlet, threading, thread, fiber): a new runtime is its file and its line here.
std::span<const RuntimeInfo> Runtimes();

// Null when there is none of that name.
const RuntimeInfo* FindRuntime(std::string_view name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROTOCOL_RUNTIMES_H_
