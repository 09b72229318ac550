#ifndef TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_
#define TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_

namespace trireme {

// Once, when the library is loaded: from now on its image is not taken away either.
void FindMemoryCalls();

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_
