#ifndef TRIREME_TESTS_HARNESS_SCENARIO_TESTING_H_
#define TRIREME_TESTS_HARNESS_SCENARIO_TESTING_H_

#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"

namespace trireme::testing {

// A vocabulary of the six runtimes, with a check of each argument type, a fault's field of each type
// and a word of each kind that comes later. A fault named `never` can never apply, and three of them
// contradict each other.
Vocabulary TestVocabulary();

// A scenario's folder with both workloads in it; a text below is completed by what each scenario
// needs.
class ScenarioFolder {
 public:
  ScenarioFolder();

  // The named plans of its scenarios are in its folder `faults`.
  Vocabulary vocabulary() const;
  const std::string& path() const { return folder_.path(); }
  void Write(const std::string& name, const std::string& text) const;

  Result<Scenario> Parse(const std::string& text) const;
  // The error with this folder's path left out, "" when there is none.
  std::string ErrorOf(const std::string& text) const;

 private:
  TemporaryDirectory folder_;
};

// "version: 1\nsummary: s\nworkload: {python: workload.py, cpp: workload.cc}\n" and `rest`, from
// line 4.
std::string Complete(const std::string& rest);

}  // namespace trireme::testing

#endif  // TRIREME_TESTS_HARNESS_SCENARIO_TESTING_H_
