#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fuzz/results_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trireme::ReadAnyResults(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
