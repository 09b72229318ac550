#ifndef TRIREME_HARNESS_BASE_DDMIN_H_
#define TRIREME_HARNESS_BASE_DDMIN_H_

#include <cstddef>
#include <functional>
#include <vector>

namespace trireme {

enum class SubsetOutcome {
  kFails,
  kPasses,  // or undecided: what cannot be shown to fail is no reduction
  kStop,    // no further test can be afforded
};

struct Minimum {
  bool reproduced = false;   // whether all of it failed
  bool stopped = false;      // `kept` fails, but something smaller might as well
  std::vector<size_t> kept;  // ascending
  size_t tests = 0;
};

// A small subset of the numbers from 0 to count-1 that fails as all of them do: the ddmin algorithm (Zeller and
// Hildebrandt, "Simplifying and isolating failure-inducing input", 2002). Unless stopped it is 1-minimal: without any one
// number of it, it does not fail. The empty subset is tried, too: where that fails, nothing is needed. `test` gets
// ascending numbers, and no subset twice.
Minimum Ddmin(size_t count, const std::function<SubsetOutcome(const std::vector<size_t>&)>& test);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_DDMIN_H_
