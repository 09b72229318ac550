#include "harness/base/locations.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "harness/base/file.h"

namespace trireme {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string HomeInUserDatabase() {
  std::vector<char> buffer(1 << 14);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0 || found == nullptr || found->pw_dir == nullptr) return "";
  return found->pw_dir;
}

// The XDG specification has relative paths ignored.
std::string UserFolder(const char* xdg_name, const char* below_home,
                       const char* below_trireme_home) {
  if (const std::string own = Environment("TRIREME_HOME"); !own.empty())
    return JoinPath(own, below_trireme_home);
  if (const std::string xdg = Environment(xdg_name); xdg.starts_with('/'))
    return JoinPath(xdg, "trireme");
  const std::string home = HomeFolder();
  return home.empty() ? "" : JoinPath(JoinPath(home, below_home), "trireme");
}

}  // namespace

std::string HomeFolder() {
  for (const std::string& home : {Environment("HOME"), HomeInUserDatabase()})
    if (home.starts_with('/')) return home;
  return "";
}

Status CheckUserFolders(const Locations& locations) {
  if (!locations.data.empty() && !locations.cache.empty()) return Done{};
  return InfrastructureError(
      "there is no place for environments and compiled workloads: HOME is not set, and user " +
          std::to_string(::getuid()) + " has no home in the user database",
      "set TRIREME_HOME to a folder of your own");
}

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
