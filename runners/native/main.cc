// trireme-runner: the process that hosts C++ workloads and commands. Started by the engine with
// TRIREME_CONTROL_FD set.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "runners/native/native.h"
#include "runners/native/zygote.h"

namespace trireme {
namespace {

int PrintCorrespondences(std::string_view runtime) {
  const std::unique_ptr<Backend> backend = NewBackend(runtime);
  if (backend == nullptr) {
    std::fprintf(stderr, "trireme-runner: no C++ runtime '%s'\n", std::string(runtime).c_str());
    return 2;
  }
  Json rows = Json::array();
  for (const Correspondence& row : backend->correspondences())
    rows.push_back({{"api", std::string(row.api)},
                    {"native", std::string(row.native)},
                    {"note", std::string(row.note)}});
  std::printf("%s\n", DumpJson(rows, 1).c_str());
  return 0;
}

int Main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--correspondences")
    return PrintCorrespondences(argv[2]);
  const char* control = std::getenv("TRIREME_CONTROL_FD");
  if (argc == 1 && control != nullptr) {
    if (const auto fd = ParseUnsigned(control)) {
      UniqueFd socket(static_cast<int>(*fd));
      ::unsetenv("TRIREME_CONTROL_FD");
      return RunZygote(std::move(socket));
    }
  }
  std::fprintf(stderr, "usage: trireme-runner --correspondences RUNTIME; else trireme starts it\n");
  return 2;
}

}  // namespace
}  // namespace trireme

int main(int argc, char** argv) { return trireme::Main(argc, argv); }
