#include "harness/engine/engine.h"

#include <gmock/gmock.h>
#include <signal.h>

#include "harness/base/clock.h"
#include "tests/harness/engine/engine_fixture.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kShort = 200 * kNanosecondsPerMillisecond;

PlannedCell Hurried(PlannedCell cell) {
  cell.timeout = kShort;
  return cell;
}

TEST_F(EngineTest, RecordsATrialThatReturns) {
  const EngineOutcome outcome = RunOne({{"do", "operations"}, {"count", 5}});
  EXPECT_EQ(outcome.executed, 1);
  EXPECT_EQ(outcome.infrastructure, "");
  EXPECT_EQ(ExitKey(only()), "exited");
  EXPECT_EQ(GetInt(only().exit, "code", -1), 0);
  EXPECT_EQ(HistoryOf(only()).Operations().size(), 5U);
  EXPECT_FALSE(FileExists(JoinPath(only().directory, "history.ring")));
  EXPECT_FALSE(FileExists(JoinPath(only().directory, "stdout")));
}

TEST_F(EngineTest, KeepsWhatATrialPrints) {
  RunOne({{"do", "output"}});
  EXPECT_EQ(FileOf(only(), "stdout"), "to stdout\n");
  EXPECT_EQ(FileOf(only(), "stderr"), "to stderr\n");
  EXPECT_EQ(GetInt(only().exit, "stdout_bytes"), 10);
}

TEST_F(EngineTest, TellsTheEnvironmentOfEachCellOnce) {
  Run({Cell("a", {}, 3), Cell("b", {}, 3)});
  EXPECT_EQ(environments_.size(), 2U);
  EXPECT_EQ(GetString(environments_[0], "runtime"), "fake");
  EXPECT_EQ(GetString(finished_[0].environment, "runtime"), "fake");
}

TEST_F(EngineTest, RunsTheFirstTrialOfEachCellBeforeTheSecondOfAny) {
  Run({Cell("a", {}, 3), Cell("b", {}, 2), Cell("c", {}, 1)});
  EXPECT_THAT(order_, ElementsAre("0/0", "1/0", "2/0", "0/1", "1/1", "0/2"));
}

TEST_F(EngineTest, GivesEachTrialOfACellItsSeedAndTheSameInputs) {
  Run({Cell("a", {}, 2)});
  std::vector<std::string> seeds;
  std::vector<std::string> inputs;
  for (const FinishedTrial& trial : finished_) {
    const History history = HistoryOf(trial);
    for (const Event& event : history.events()) {
      if (event.kind != EventKind::kBegin) continue;
      seeds.push_back(GetString(event.Value(), "seed"));
      inputs.push_back(GetString(event.Value(), "inputs"));
    }
  }
  ASSERT_EQ(seeds.size(), 2U);
  EXPECT_NE(seeds[0], seeds[1]);
  EXPECT_EQ(inputs[0], inputs[1]);
}

TEST_F(EngineTest, StopsAHangAndKeepsItsStacks) {
  Run({Hurried(Cell("cell", {{"do", "hang"}}))});
  EXPECT_EQ(ExitKey(only()), "timeout");
  const std::string stacks = FileOf(only(), "stacks.txt");
  EXPECT_THAT(stacks, HasSubstr("cell, trial 0: not over after "));
  EXPECT_THAT(stacks, HasSubstr("main: in Forever"));
  EXPECT_THAT(stacks, HasSubstr("trireme_fake_ru: S (sleeping)"));
}

TEST_F(EngineTest, TellsACrashBySignal) {
  RunOne({{"do", "segv"}});
  EXPECT_EQ(ExitKey(only()), "signalled");
  EXPECT_EQ(GetInt(only().exit, "signal"), SIGSEGV);
}

TEST_F(EngineTest, TellsAnEarlyExit) {
  RunOne({{"do", "exit"}, {"code", 3}});
  EXPECT_EQ(ExitKey(only()), "exited");
  EXPECT_EQ(GetInt(only().exit, "code"), 3);
}

TEST_F(EngineTest, TellsATrialWhoseRunnerCrashes) {
  RunOne({{"runner", "crash-while-running"}});
  EXPECT_EQ(ExitKey(only()), "vanished");
  EXPECT_THAT(GetString(only().exit, "protocol_error"), HasSubstr("signal 6"));
}

}  // namespace
}  // namespace trireme
