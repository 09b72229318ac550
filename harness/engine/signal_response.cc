#include "harness/engine/signal_response.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "harness/base/file.h"
#include "harness/engine/process_table.h"

namespace trireme {
namespace {

std::string StatusOf(pid_t pid) {
  Result<std::string> status = ReadFile("/proc/" + std::to_string(pid) + "/status");
  return status.ok() ? *std::move(status) : "";
}

// Whether a mask of a status file of /proc, "SigCgt:\t0000000000004002", has that signal.
bool MaskHas(const std::string& status, const std::string& name, int signal) {
  const uint64_t mask = std::strtoull(StatusField(status, name).c_str(), nullptr, 16);
  return (mask >> (signal - 1) & 1) != 0;
}

}  // namespace

SignalResponse ResponseTo(pid_t pid, int signal) {
  const std::string status = StatusOf(pid);
  if (MaskHas(status, "SigIgn", signal)) return SignalResponse::kIgnores;
  const bool handles = MaskHas(status, "SigCgt", signal) || MaskHas(status, "SigBlk", signal);
  return handles ? SignalResponse::kHandles : SignalResponse::kDefault;
}

bool CatchesSignal(pid_t pid, int signal) { return MaskHas(StatusOf(pid), "SigCgt", signal); }

}  // namespace trireme
