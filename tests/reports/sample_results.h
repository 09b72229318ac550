#ifndef TRIREME_TESTS_REPORTS_SAMPLE_RESULTS_H_
#define TRIREME_TESTS_REPORTS_SAMPLE_RESULTS_H_

#include <string>

#include "harness/check/results.h"

namespace trireme {

// A cell that did what was expected, in every trial.
CellResult PassingCell(const std::string& scenario, const std::string& runtime,
                       const std::string& interpreter = "3.11");

// It failed as many of its 20 trials with this finding.
CellResult FailingCell(const std::string& scenario, const std::string& runtime, int64_t failed,
                       const std::string& kind, const std::string& message);

CellResult UnknownCell(const std::string& scenario, const std::string& runtime,
                       const std::string& reason);
CellResult UnsupportedCell(const std::string& scenario, const std::string& runtime,
                           const std::string& reason);

// A small run with a cell of every state, expected and not.
RunResults SampleResults();

// A run in which everything went well.
RunResults GoodResults();

}  // namespace trireme

#endif  // TRIREME_TESTS_REPORTS_SAMPLE_RESULTS_H_
