#ifndef TRIREME_HARNESS_ENGINE_UNDEFINED_SYMBOLS_H_
#define TRIREME_HARNESS_ENGINE_UNDEFINED_SYMBOLS_H_

#include <string>
#include <vector>

#include "harness/base/locations.h"

namespace trireme {

// What a compiled workload uses that neither it, nor the runner that will load it, nor a library of theirs
// defines, in the names of its source, each once, in order. Nothing of the workload runs: the system's loader
// is asked, as ldd -r does. Empty, too, where it cannot be asked: the runner says the first such name as well.
std::vector<std::string> UndefinedSymbols(const std::string& object, const Locations& locations);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_UNDEFINED_SYMBOLS_H_
