#include "harness/check/gil_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

TEST(GilCheckerTest, CannotDecideWhereAModuleTurnedItOn) {
  TrialBuilder trial;
  trial.Observe("n", 1).Add(EventKind::kWarning, 990, "gil-enabled", "old._speedups");
  const CheckResult result = trial.Check(GilChecker());
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "the GIL was turned on by old._speedups, so no threads ran at once");
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].kind, "gil-enabled");
  EXPECT_EQ(result.findings[0].message, result.reason);
  EXPECT_EQ(result.findings[0].evidence.at("module"), "old._speedups");
}

TEST(GilCheckerTest, AcceptsOtherWarnings) {
  TrialBuilder trial;
  trial.Observe("n", 1).Add(EventKind::kWarning, 990, "watch", "old._speedups");
  EXPECT_EQ(trial.Check(GilChecker()).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace trireme
