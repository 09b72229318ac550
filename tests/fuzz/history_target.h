#ifndef TRIREME_TESTS_FUZZ_HISTORY_TARGET_H_
#define TRIREME_TESTS_FUZZ_HISTORY_TARGET_H_

#include <string>

namespace trireme {

// Reads `bytes` as a history, through everything that looks at one; aborts when what it gives is
// not sound.
void ReadAnyHistory(const std::string& bytes);

}  // namespace trireme

#endif  // TRIREME_TESTS_FUZZ_HISTORY_TARGET_H_
