// A program with the probe preloaded, if it is: records one observation for each argument, then
// ends.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "harness/probe/probe_abi.h"

int main(int argc, char** argv) {
  using Function = const trireme_probe_api* (*)(uint32_t);
  const auto function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "trireme_probe"));
  const trireme_probe_api* probe = function == nullptr ? nullptr : function(TRIREME_PROBE_ABI);
  std::puts(probe == nullptr ? "no probe" : "probe");
  for (int i = 1; probe != nullptr && i < argc; ++i) {
    probe->record(TRIREME_OBSERVE, 0, argv[i], static_cast<uint32_t>(std::strlen(argv[i])),
                  TRIREME_NONE, nullptr, 0);
  }
  return 0;
}
