#ifndef TRIREME_HARNESS_PROBE_LOCAL_SYMBOL_H_
#define TRIREME_HARNESS_PROBE_LOCAL_SYMBOL_H_

#include <stddef.h>

namespace trireme {

// The mangled name of the function at `place`, of the object that `file` was loaded from at `base`, as the symbol table of
// the file has it: those of unnamed namespaces too, which the loader does not know. False: it has none there, or was stripped.
// Opens the file.
bool FindLocalSymbol(const char* file, const void* base, const void* place, char* name,
                     size_t room);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_LOCAL_SYMBOL_H_
