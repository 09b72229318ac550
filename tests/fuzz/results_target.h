#ifndef TRIREME_TESTS_FUZZ_RESULTS_TARGET_H_
#define TRIREME_TESTS_FUZZ_RESULTS_TARGET_H_

#include <string>

namespace trireme {

// Reads `text` as results.json and as plan.json, whatever it is, judges and reports what it holds.
void ReadAnyResults(const std::string& text);

}  // namespace trireme

#endif  // TRIREME_TESTS_FUZZ_RESULTS_TARGET_H_
