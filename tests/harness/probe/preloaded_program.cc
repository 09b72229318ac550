// A program with the probe preloaded, if it is: records one observation for each argument, then
// ends. But "=files" leaves it no descriptor, "=memory" no room for another mapping, and "=all" lifts
// both limits.
#include <dlfcn.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstring>

#include "harness/probe/probe_abi.h"

bool IsLimit(const char* argument) {
  constexpr rlim_t kStandardDescriptors = 3;
  const bool all = std::strcmp(argument, "=all") == 0;
  const auto limit = [&](__rlimit_resource_t resource, rlim_t value) {
    rlimit now{};
    getrlimit(resource, &now);
    now.rlim_cur = all ? now.rlim_max : value;
    setrlimit(resource, &now);
  };
  if (all || std::strcmp(argument, "=files") == 0) limit(RLIMIT_NOFILE, kStandardDescriptors);
  if (all || std::strcmp(argument, "=memory") == 0) limit(RLIMIT_AS, 0);
  return *argument == '=';
}

int main(int argc, char** argv) {
  using Function = const trireme_probe_api* (*)(uint32_t);
  const auto function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "trireme_probe"));
  const trireme_probe_api* probe = function == nullptr ? nullptr : function(TRIREME_PROBE_ABI);
  std::puts(probe == nullptr ? "no probe" : "probe");
  for (int i = 1; probe != nullptr && i < argc; ++i) {
    if (IsLimit(argv[i])) continue;
    probe->record(TRIREME_OBSERVE, 0, argv[i], static_cast<uint32_t>(std::strlen(argv[i])),
                  TRIREME_NONE, nullptr, 0);
  }
  return 0;
}
