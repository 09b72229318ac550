#ifndef TRIREME_TESTS_HARNESS_CHECK_RUN_JUDGE_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_CHECK_RUN_JUDGE_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/check/judge.h"
#include "tests/harness/check/trial_builder.h"

namespace trireme {

// A run directory with two cells of four trials: eventlet (0), the reference, and threading (1).
class RunJudgeTest : public testing::Test {
 protected:
  RunJudgeTest();

  Json& Cell(int cell) { return plan_["cells"][static_cast<size_t>(cell)]; }

  std::string Directory(int cell, int trial, bool retry = false);
  void Write(int cell, int trial, TrialBuilder& builder, bool retry = false);
  // Every trial of a cell observes `total` as `value`.
  void WriteAll(int cell, const Json& value);

  TrialJudgement Judge(RunJudge& judge, int cell, int trial, bool retry = false);
  // Of the directory as it is now; it writes no results there.
  RunResults JudgeSaved();

  TemporaryDirectory directory_;
  Json plan_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_CHECK_RUN_JUDGE_FIXTURE_H_
