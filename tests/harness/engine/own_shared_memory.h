#ifndef TRIREME_TESTS_HARNESS_ENGINE_OWN_SHARED_MEMORY_H_
#define TRIREME_TESTS_HARNESS_ENGINE_OWN_SHARED_MEMORY_H_

#include <string>
#include <vector>

namespace trireme {

// Gives this process, and all that it starts from now on, a /dev/shm that no other process of the machine sees. Where the
// machine allows that to nobody but root and this is somebody else, it does nothing.
void SeparateSharedMemory();

// What this process and those that it started left in that; nothing where it is everybody's.
std::vector<std::string> LeftInSharedMemory();

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_ENGINE_OWN_SHARED_MEMORY_H_
