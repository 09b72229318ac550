#include "harness/base/locations.h"

#include <cstdlib>

#include "harness/base/file.h"

namespace trireme {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string UserFolder(const char* xdg_name, const char* below_home, const char* below_trireme_home) {
  if (const std::string own = Environment("TRIREME_HOME"); !own.empty()) return JoinPath(own, below_trireme_home);
  if (const std::string xdg = Environment(xdg_name); !xdg.empty()) return JoinPath(xdg, "trireme");
  const std::string home = Environment("HOME");
  return JoinPath(JoinPath(home.empty() ? "/tmp" : home, below_home), "trireme");
}

}  // namespace

Locations FindLocations() {
  const std::string program = RealPath("/proc/self/exe");
  const std::string prefix = DirName(DirName(program));
  const std::string libexec = JoinPath(prefix, TRIREME_LIBEXEC_DIR);
  const std::string share = JoinPath(prefix, TRIREME_SHARE_DIR);
  return {.program = program,
          .runner = JoinPath(libexec, "trireme-runner"),
          .probe = JoinPath(libexec, "libtrireme-probe.so"),
          .workloads = JoinPath(libexec, "workloads"),
          .include = JoinPath(prefix, "include"),
          .agent = JoinPath(share, "python"),
          .scenarios = JoinPath(share, "scenarios"),
          .requirements = JoinPath(share, "requirements"),
          .data = UserFolder("XDG_DATA_HOME", ".local/share", ""),
          .cache = UserFolder("XDG_CACHE_HOME", ".cache", "cache")};
}

}  // namespace trireme
