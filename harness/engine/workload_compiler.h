#ifndef TRIREME_HARNESS_ENGINE_WORKLOAD_COMPILER_H_
#define TRIREME_HARNESS_ENGINE_WORKLOAD_COMPILER_H_

#include <functional>
#include <string>

#include "harness/base/locations.h"
#include "harness/base/result.h"

namespace trireme {

struct CompiledWorkload {
  std::string object;       // the shared object that trireme-runner loads; empty: there is none
  std::string unsupported;  // then why not: nothing on this machine can compile it
};

// The object of a workload.cc: one that was built with the scenario, if there is one of the same
// content (of the source and of what it includes from its folder) in Locations.workloads or a
// folder of $TRIREME_WORKLOADS (separated by colons); else it is compiled on the spot, by $CXX or
// the first of c++, g++ and clang++. Compiled objects are kept in Locations.cache by the content of
// every file that the compiler read, and by compiler, flags and its environment; processes may do
// that at once.
//
// `begins` is called before a compiler starts, and only then. An error is the compiler's first one,
// at its place.
Result<CompiledWorkload> CompileWorkload(const std::string& source, const Locations& locations,
                                         const std::function<void()>& begins = nullptr);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_WORKLOAD_COMPILER_H_
