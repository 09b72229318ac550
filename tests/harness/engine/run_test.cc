// How a run as a whole goes: what stops it, what it repeats, what it keeps.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "harness/base/clock.h"
#include "harness/engine/process_table.h"
#include "tests/harness/engine/engine_fixture.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using RunTest = EngineTest;

Json PlanWith(const Json& fault) {
  return {{"name", "plan"}, {"summary", ""}, {"all", Json::array({fault})}};
}

// A fault that the engine does, after the end of any trial here.
Json MuchLater() {
  return {{"name", "later"},
          {"process", {{"signal", "TERM"}, {"after", 3600 * kNanosecondsPerSecond}}}};
}

// Whether the trial in that folder, which may not have begun, has done anything by now.
bool HasRecorded(const std::string& trial) {
  const Result<History> history = History::Read(trial + "/history.ring");
  return history.ok() && !history->Operations().empty();
}

TEST_F(RunTest, RepeatsAnUnknownTrialOnceAndAlone) {
  options_.jobs = 2;
  judge_ = [](const FinishedTrial& trial) {
    return trial.trial == 1 ? Judgement::kUnknown : Judgement::kPass;
  };
  const EngineOutcome outcome = Run({Cell("cell", {}, 3)});
  EXPECT_EQ(outcome.executed, 3);
  ASSERT_EQ(finished_.size(), 4U);
  EXPECT_TRUE(finished_[3].retry);
  EXPECT_EQ(finished_[3].trial, 1);
  EXPECT_THAT(finished_[3].directory, HasSubstr("/trials/cell/1.retry"));
  EXPECT_NE(finished_[3].attempt, finished_[1].attempt);
}

TEST_F(RunTest, RunsTrialsBesideEachOther) {
  options_.jobs = 4;
  options_.patience.debugger = 0;
  PlannedCell cell = Cell("cell", {{"do", "hang"}}, 4);
  cell.timeout = 500 * kNanosecondsPerMillisecond;
  Run({cell});
  // Started before the first ended, whose end is at the timeout at the earliest.
  EXPECT_EQ(order_.size(), 4U);
  EXPECT_EQ(finished_.size(), 4U);
}

TEST_F(RunTest, RunsAnExclusiveTrialAlone) {
  options_.jobs = 3;
  std::vector<int> running_at_start;
  int running = 0;
  events_.started = [&](size_t, int64_t) { running_at_start.push_back(running++); };
  judge_ = [&](const FinishedTrial&) {
    --running;
    return Judgement::kPass;
  };
  PlannedCell cell = Cell("cell", {}, 5);
  cell.exclusive = true;
  Run({cell});
  EXPECT_THAT(running_at_start, ElementsAre(0, 0, 0, 0, 0));
}

// The most trials of some that wait or compute for half a second that were started and not yet judged, where one at a time may
// run, and up to four of sweeps: one more than ran, since the next runs while one is judged.
class OvercommitTest : public EngineTest {
 protected:
  OvercommitTest() {
    options_.jobs = 1;
    options_.most_jobs = 4;
    options_.patience.debugger = 0;
    options_.processors = [this]() -> std::optional<ProcessorTimes> {
      times_.total += 100;
      times_.idle += idle_;
      return times_;
    };
  }

  static PlannedCell Swept(const std::string& what = "hang") {
    PlannedCell cell = Doing(what);
    cell.sweep = Json::array({{{"fault", "cancel"}, {"task", "1"}, {"point", 1}}});
    return cell;
  }

  static PlannedCell Doing(const std::string& what) {
    PlannedCell cell = Cell("cell", {{"do", what}}, 6);
    if (what == "hang") cell.timeout = 500 * kNanosecondsPerMillisecond;
    return cell;
  }

  int MostAtOnce(const PlannedCell& cell, const std::vector<PlannedCell>& others = {}) {
    int running = 0, most = 0;
    events_.started = [&](size_t, int64_t) { most = std::max(most, ++running); };
    judge_ = [&](const FinishedTrial&) {
      --running;
      return Judgement::kPass;
    };
    std::vector<PlannedCell> cells = {cell};
    cells.insert(cells.end(), others.begin(), others.end());
    Run(cells);
    EXPECT_EQ(finished_.size(), 6 + others.size());
    return most;
  }

  uint64_t idle_ = 90;  // of a hundred ticks

 private:
  ProcessorTimes times_;
};

TEST_F(OvercommitTest, RunsMoreTrialsOfSweepsWhileProcessorsAreIdle) {
  EXPECT_GT(MostAtOnce(Swept("compute")), 2);
}

TEST_F(OvercommitTest, RunsNoMoreThatComputeWhileTheyAreUsed) {
  idle_ = 5;
  EXPECT_LE(MostAtOnce(Swept("compute")), 2);
}

TEST_F(OvercommitTest, RunsNoMoreWhoseChildrenCompute) {
  idle_ = 5;
  EXPECT_LE(MostAtOnce(Swept("compute-below")), 2);
}

TEST_F(OvercommitTest, RunsMoreBesideThoseThatOnlyWaitWhateverElseComputes) {
  idle_ = 0;
  EXPECT_GT(MostAtOnce(Swept()), 2);
}

TEST_F(OvercommitTest, RunsMoreBesideThoseThatOnlyWaitWhereNobodyKnowsWhatIsIdle) {
  options_.processors = nullptr;
  EXPECT_GT(MostAtOnce(Swept()), 2);
}

TEST_F(OvercommitTest, RunsNoMoreThanJobsOfOtherTrials) {
  EXPECT_LE(MostAtOnce(Doing("hang")), 2);
}

TEST_F(OvercommitTest, RunsAnExclusiveTrialOfASweepAlone) {
  PlannedCell cell = Swept();
  cell.exclusive = true;
  EXPECT_EQ(MostAtOnce(cell), 1);
}

TEST_F(OvercommitTest, RunsNoMoreThanJobsWhereTheHarnessHasToBeThereForAFault) {
  PlannedCell cell = Swept();
  cell.fault_plan = PlanWith(MuchLater());
  EXPECT_EQ(MostAtOnce(cell), 1);  // and what it takes to judge is done first
}

// Where the harness has to be there for another cell's faults, that one runs at another time.
TEST_F(OvercommitTest, RunsMoreTrialsOfSweepsInAPlanWithOtherFaults) {
  PlannedCell other = Cell("other", {});
  other.scenario = "other";
  other.fault_plan = PlanWith(MuchLater());
  EXPECT_GE(MostAtOnce(Swept(), {other}), 2);
}

// How many trials had been started when each was judged.
class JudgingTest : public EngineTest {
 protected:
  std::vector<size_t> StartedWhenJudged(const PlannedCell& cell) {
    std::vector<size_t> started;
    judge_ = [&](const FinishedTrial&) {
      started.push_back(order_.size());
      return Judgement::kPass;
    };
    Run({cell});
    return started;
  }
};

TEST_F(JudgingTest, HappensWhileTheNextTrialRuns) {
  EXPECT_THAT(StartedWhenJudged(Cell("cell", {}, 3)), ElementsAre(2, 3, 3));
}

TEST_F(JudgingTest, ComesFirstWhereAFailureEndsTheRun) {
  options_.fail_fast = true;
  EXPECT_THAT(StartedWhenJudged(Cell("cell", {}, 3)), ElementsAre(1, 2, 3));
}

TEST_F(JudgingTest, ComesFirstWhereItTakesLong) {
  constexpr int kMany = 40000;  // of some 50 bytes each
  EXPECT_THAT(StartedWhenJudged(Cell("cell", {{"do", "operations"}, {"count", kMany}}, 3)),
              ElementsAre(1, 2, 3));
}

TEST_F(JudgingTest, ComesFirstWhereTheEngineDoesFaults) {
  PlannedCell cell = Cell("cell", {}, 3);
  cell.fault_plan = PlanWith(MuchLater());
  EXPECT_THAT(StartedWhenJudged(cell), ElementsAre(1, 2, 3));
}

TEST_F(JudgingTest, HappensWhileTheNextTrialRunsWhereOnlyTheProbeDoesFaults) {
  PlannedCell cell = Cell("cell", {}, 3);
  cell.fault_plan =
      PlanWith({{"name", "cut"}, {"at", {{"call", "recv"}}}, {"do", {{"reset", true}}}});
  EXPECT_THAT(StartedWhenJudged(cell), ElementsAre(2, 3, 3));
}

TEST_F(JudgingTest, HappensBesideNoTrialThatRunsAlone) {
  PlannedCell cell = Cell("cell", {}, 3);
  cell.exclusive = true;
  EXPECT_THAT(StartedWhenJudged(cell), ElementsAre(1, 2, 3));
}

TEST_F(RunTest, TellsARefusalAndGoesOn) {
  PlannedCell refused = Cell("refused", {}, 3);
  refused.workload = "/fake/load-refuse";
  PlannedCell other = refused;
  other.id = "other";
  const EngineOutcome outcome = Run({refused, other, Cell("good", {})});
  EXPECT_EQ(outcome.executed, 1);
  EXPECT_EQ(refused_[0].reason, "no-main");
  EXPECT_EQ(refused_[0].message, "there is no Main");
  EXPECT_EQ(refused_[0].line, 3);
  EXPECT_EQ(refused_[1].reason, "no-main");
}

TEST_F(RunTest, TellsARunnerThatDoesNotExist) {
  options_.locations.runner = "/nonexistent/runner";
  const EngineOutcome outcome = Run({Cell("cell", {}, 3)});
  EXPECT_EQ(outcome.executed, 0);
  EXPECT_EQ(refused_[0].reason, "start");
  EXPECT_EQ(refused_[0].message, "cannot start /nonexistent/runner: No such file or directory");
}

TEST_F(RunTest, IsolatesACellWhoseLoadingLeavesThreads) {
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 3);
  cell.workload = "/fake/load-threads";
  Run({cell});
  EXPECT_EQ(finished_.size(), 3U);
  EXPECT_THAT(notes_[0],
              ElementsAre("isolation: process, since loading left threads running: ticker"));
  EXPECT_EQ(ExitKey(finished_[2]), "exited");
}

TEST_F(RunTest, GivesEachTrialOfAnIsolatedCellARunnerOfItsOwn) {
  PlannedCell cell = Cell("cell", {{"do", "parent"}}, 3);
  cell.isolated_process = true;
  Run({cell});
  ASSERT_EQ(finished_.size(), 3U);
  EXPECT_NE(FileOf(finished_[0], "stdout"), FileOf(finished_[1], "stdout"));
}

TEST_F(RunTest, GivesTheTrialsOfACellOneRunner) {
  Run({Cell("cell", {{"do", "parent"}}, 3)});
  ASSERT_EQ(finished_.size(), 3U);
  EXPECT_EQ(FileOf(finished_[0], "stdout"), FileOf(finished_[2], "stdout"));
}

// Stops this process for longer than a trial may take, and then, when it has gone on for a while, sends SIGCONT to all below it.
pid_t PauseThisProcess(int64_t nanoseconds) {
  const pid_t paused = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  const auto sleep = [](int64_t length) {
    const timespec time{.tv_sec = length / kNanosecondsPerSecond,
                        .tv_nsec = length % kNanosecondsPerSecond};
    ::nanosleep(&time, nullptr);
  };
  ::kill(paused, SIGSTOP);
  sleep(nanoseconds);
  ::kill(paused, SIGCONT);
  sleep(300 * kNanosecondsPerMillisecond);
  for (const ProcessInfo& process : DescendantsOf(paused, ReadProcessTable()))
    ::kill(process.pid, SIGCONT);
  ::_exit(0);
}

TEST_F(RunTest, CountsNoTimeForWhichItWasStopped) {
  PlannedCell cell = Cell("cell", {{"do", "until-continued"}});
  cell.timeout = 2500 * kNanosecondsPerMillisecond;
  pid_t pauser = 0;
  events_.tick = [&] {
    if (pauser == 0 && HasRecorded(options_.run_directory + "/trials/cell/0"))
      pauser = PauseThisProcess(cell.timeout);
  };
  Run({cell});
  ::waitpid(pauser, nullptr, 0);
  EXPECT_EQ(ExitKey(only()), "exited");
}

TEST_F(RunTest, RepeatsATrialForWhichThereWasNoProcess) {
  judge_ = [](const FinishedTrial& trial) {
    return ExitKey(trial) == "exited" ? Judgement::kPass : Judgement::kUnknown;
  };
  Run({Cell("cell", {{"runner", "fails-first"}, {"do", "parent"}}, 2)});
  ASSERT_EQ(finished_.size(), 3U);
  EXPECT_EQ(ExitKey(finished_[0]), "interrupted");
  EXPECT_EQ(GetString(finished_[0].exit, "protocol_error"), "there is no process to be had");
  EXPECT_TRUE(finished_[2].retry);
  EXPECT_EQ(FileOf(finished_[1], "stdout"), FileOf(finished_[2], "stdout"));  // of one runner
}

TEST_F(RunTest, SkipsUnsupportedCells) {
  PlannedCell cell = Cell("cell", {});
  cell.unsupported = "no such interpreter";
  EXPECT_EQ(Run({cell}).executed, 0);
}

TEST_F(RunTest, StopsAtTheFirstFailureWhereAsked) {
  options_.fail_fast = true;
  judge_ = [](const FinishedTrial& trial) {
    return trial.trial == 2 ? Judgement::kFail : Judgement::kPass;
  };
  EXPECT_EQ(Run({Cell("cell", {}, 10)}).executed, 3);
}

TEST_F(RunTest, StartsNothingOnceTheBudgetIsSpent) {
  options_.budget = 1;
  const EngineOutcome outcome = Run({Cell("cell", {}, 10)});
  EXPECT_TRUE(outcome.budget_spent);
  EXPECT_EQ(outcome.executed, 0);
}

TEST_F(RunTest, KeepsTheFoldersOfFailedTrials) {
  options_.keep = "failed";
  judge_ = [](const FinishedTrial& trial) {
    return trial.trial == 1 ? Judgement::kFail : Judgement::kPass;
  };
  Run({Cell("cell", {}, 3)});
  EXPECT_FALSE(IsDirectory(finished_[0].directory));
  EXPECT_TRUE(IsDirectory(finished_[1].directory));
}

TEST_F(RunTest, EndsAndSealsWhatRunsWhenInterrupted) {
  options_.jobs = 2;
  const std::string trials = options_.run_directory + "/trials/cell/";
  bool interrupted = false;  // twice would end it at once
  events_.tick = [&] {
    if (interrupted || !HasRecorded(trials + "0") || !HasRecorded(trials + "1")) return;
    interrupted = true;
    ::raise(SIGINT);
  };
  const EngineOutcome outcome = Run({Cell("cell", {{"do", "record-for-ever"}}, 4)});
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.executed, 0);
  const Result<History> history =
      History::Read(options_.run_directory + "/trials/cell/0/history.trh");
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->events().back().key, "interrupted");
  EXPECT_FALSE(history->Operations().empty());
}

TEST_F(RunTest, EndsAtOnceWhenInterruptedTwice) {
  // The runner is stopped, so that the first interrupt alone would wait for it.
  options_.patience.end = 60 * kNanosecondsPerSecond;
  events_.tick = [&] {
    if (order_.size() == 1) ::raise(SIGTERM);
  };
  EXPECT_TRUE(Run({Cell("cell", {{"do", "stop-runner"}})}).interrupted);
}

// For what takes long in an event: its signal waits until the loop goes on.
TEST_F(RunTest, SaysInAnEventThatAnInterruptIsPending) {
  std::vector<bool> pending;
  judge_ = [&](const FinishedTrial&) {
    pending.push_back(InterruptIsPending());
    if (finished_.size() == 2) ::raise(SIGINT);
    pending.push_back(InterruptIsPending());
    return Judgement::kPass;
  };
  options_.jobs = 1;
  EXPECT_TRUE(Run({Cell("cell", {{"do", "operations"}}, 3)}).interrupted);
  EXPECT_THAT(pending, ElementsAre(false, false, false, true));
  EXPECT_FALSE(InterruptIsPending());
}

TEST_F(RunTest, ReportsARunDirectoryThatCannotBeWritten) {
  options_.run_directory = "/proc/self/no";
  const EngineOutcome outcome = Run({Cell("cell", {}, 2)});
  EXPECT_THAT(outcome.infrastructure, HasSubstr("/proc/self/no"));
  EXPECT_EQ(outcome.executed, 0);
}

// Files of the harness may grow to so many bytes, and no more: a disk that fills up.
class FullDiskTest : public EngineTest {
 protected:
  FullDiskTest() : action_(::signal(SIGXFSZ, SIG_IGN)) {}
  ~FullDiskTest() override {
    SetLimit(RLIM_INFINITY);
    ::signal(SIGXFSZ, action_);
  }
  static void SetLimit(rlim_t bytes) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }

 private:
  sighandler_t action_;
};

TEST_F(FullDiskTest, EndsTheRunBeforeATrialAndKeepsThoseBefore) {
  judge_ = [](const FinishedTrial& trial) {
    if (trial.trial == 0) SetLimit(1000);
    return Judgement::kPass;
  };
  const EngineOutcome outcome = Run({Cell("cell", {{"do", "operations"}}, 10)});
  EXPECT_THAT(outcome.infrastructure, HasSubstr("/trials/cell/2/history.ring: File too large"));
  EXPECT_EQ(outcome.executed, 1);
  EXPECT_EQ(HistoryOf(finished_[0]).Operations().size(), 10U);
  // There was no room to seal it.
  EXPECT_TRUE(FileExists(options_.run_directory + "/trials/cell/1/history.ring"));
}

TEST_F(FullDiskTest, EndsTheRunWhileATrialRunsAndKeepsWhatItRecorded) {
  events_.started = [](size_t, int64_t) { SetLimit(500'000); };
  const EngineOutcome outcome = Run({Cell("cell", {{"do", "flood"}, {"bytes", 1 << 20}}, 10)});
  EXPECT_THAT(outcome.infrastructure, HasSubstr("/trials/cell/0/stdout: File too large"));
  EXPECT_EQ(outcome.executed, 0);
  EXPECT_TRUE(FileExists(options_.run_directory + "/trials/cell/0/history.trh"));
}

}  // namespace
}  // namespace trireme
