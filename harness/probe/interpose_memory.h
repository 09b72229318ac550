#ifndef TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_
#define TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_

namespace trireme {

// Once, when the library is loaded: from now on its image is not taken away either.
void FindMemoryCalls();

// A system call by its number that would take pages of ours away: done as the function of its name does it, to `result`.
// False: it is none.
bool TakesOwnMemory(long number, const long* words, long* result);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_INTERPOSE_MEMORY_H_
