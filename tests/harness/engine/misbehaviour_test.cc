// Each way in which what runs may misbehave: it ends in an EXIT event that says so, the run goes
// on, and the fixture finds nothing left behind.
#include <gmock/gmock.h>
#include <signal.h>

#include <vector>

#include "harness/base/clock.h"
#include "tests/harness/engine/engine_fixture.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A time that a test waits out is short; one in which something has to happen is long, since a
// machine may be busy.
class MisbehaviourTest : public EngineTest {
 protected:
  MisbehaviourTest() {
    options_.patience = {.load = kLong,
                         .idle_load = kLong,
                         .busy_load = kLong,
                         .start = kLong,
                         .stacks = kShort,
                         .debugger = 0,
                         .end = kLong};
  }

  // Runs it for a short time beside a cell that behaves, which must pass.
  void Misbehave(const Json& params, int64_t timeout = kShort) {
    PlannedCell bad = Cell("bad", params);
    bad.timeout = timeout;
    Run({bad, Cell("good", {{"do", "operations"}})});
    ASSERT_EQ(finished_.size(), 2U);
    EXPECT_EQ(ExitKey(finished_[1]), "exited");
    EXPECT_EQ(HistoryOf(finished_[1]).Operations().size(), 10U);
  }
  // The same for a runner that fails at loading: the trial and what was told of it.
  void FailToLoad(const std::string& workload, int64_t trials = 1) {
    PlannedCell bad = Cell("bad", {}, trials);
    bad.workload = "/fake/" + workload;
    bad.timeout = kShort;
    Run({bad, Cell("good", {{"do", "operations"}})});
  }
  const FinishedTrial& bad() const { return finished_[0]; }
  std::string Error() const { return GetString(bad().exit, "protocol_error"); }
  // When it recorded what it did before its deadline.
  std::vector<int64_t> RecordedInTime() const {
    const History history = HistoryOf(bad());
    std::vector<int64_t> times;
    for (const Event& event : history.events())
      if (event.time <= GetInt(bad().exit, "timeout_ns")) times.push_back(event.time);
    return times;
  }

  static constexpr int64_t kShort = 300 * kNanosecondsPerMillisecond;
  static constexpr int64_t kLong = 20 * kNanosecondsPerSecond;
};

TEST_F(MisbehaviourTest, HangsAndDoesNotHandleTheStacksSignal) {
  Misbehave({{"do", "hang-without-stacks"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  EXPECT_THAT(FileOf(bad(), "stacks.txt"),
              HasSubstr("the runtime's stacks: the process does not handle signal 46"));
}

TEST_F(MisbehaviourTest, HangsAndNeverFinishesItsStacks) {
  Misbehave({{"do", "hang-with-the-lock"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  EXPECT_THAT(FileOf(bad(), "stacks.txt"), HasSubstr("no end of them within 300ms of signal 46"));
  EXPECT_THAT(FileOf(bad(), "stacks.txt"), HasSubstr("1 main: begin at "));
}

TEST_F(MisbehaviourTest, HangsWhileItRecords) {
  Misbehave({{"do", "record-for-ever"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  const std::vector<int64_t> times = RecordedInTime();
  ASSERT_GT(times.size(), 10U);
  // The last one may have been on its way into the recording when the engine looked.
  EXPECT_GE(GetInt(bad().exit, "newest_event_ns"), times.at(times.size() - 2));
}

TEST_F(MisbehaviourTest, HangsWithoutRecording) {
  Misbehave({{"do", "hang"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  ASSERT_FALSE(RecordedInTime().empty());
  EXPECT_EQ(GetInt(bad().exit, "newest_event_ns"), RecordedInTime().back());
}

TEST_F(MisbehaviourTest, StopsItself) {
  Misbehave({{"do", "stop-itself"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  EXPECT_THAT(FileOf(bad(), "stacks.txt"), HasSubstr("T (stopped)"));
}

TEST_F(MisbehaviourTest, Aborts) {
  Misbehave({{"do", "abort"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "signalled");
  EXPECT_EQ(GetInt(bad().exit, "signal"), SIGABRT);
}

TEST_F(MisbehaviourTest, LeavesAnOrphanInASessionOfItsOwn) {
  Misbehave({{"do", "orphan"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "exited");
  EXPECT_EQ(GetMember(bad().exit, "orphans").size(), 1U);
}

TEST_F(MisbehaviourTest, IgnoresTheSignalToTerminate) {
  Misbehave({{"do", "ignore-sigterm"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
}

TEST_F(MisbehaviourTest, FloodsItsOutput) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  Misbehave({{"do", "flood"}, {"bytes", kBytes}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "exited");
  EXPECT_EQ(GetInt(bad().exit, "stdout_bytes"), kBytes);
  const std::string kept = FileOf(bad(), "stdout");
  EXPECT_LT(kept.size(), size_t{2} << 20);
  EXPECT_TRUE(kept.ends_with("bytes were dropped after the first 1048576]\n"));
}

TEST_F(MisbehaviourTest, ExhaustsItsMemory) {
  PlannedCell bad_cell = Cell("bad", {{"do", "memory"}});
  bad_cell.memory = int64_t{256} << 20;
  Run({bad_cell});
  EXPECT_EQ(ExitKey(bad()), "signalled");
  EXPECT_EQ(GetInt(bad().exit, "memory_limit"), bad_cell.memory);
}

TEST_F(MisbehaviourTest, ExhaustsItsMemoryPastALimitOfAddresses) {
  PlannedCell bad_cell = Cell("bad", {{"do", "memory"}, {"unlimited", true}});
  bad_cell.memory = int64_t{256} << 20;
  Run({bad_cell});
  EXPECT_EQ(GetInt(bad().exit, "signal"), SIGKILL);
  EXPECT_TRUE(GetBool(bad().exit, "memory_exceeded"));
}

TEST_F(MisbehaviourTest, ForksForEver) {
  Misbehave({{"do", "fork-bomb"}, {"count", 20}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
}

TEST_F(MisbehaviourTest, KillsItsRunner) {
  Misbehave({{"do", "kill-runner"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("the runner was ended by signal 9"));
  // What it left behind, and it itself where the kernel has not yet ended it with its parent.
  EXPECT_GE(GetMember(bad().exit, "orphans").size(), 1U);
}

TEST_F(MisbehaviourTest, StopsItsRunner) {
  options_.patience.end = kShort;
  Misbehave({{"do", "stop-runner"}}, 3 * kNanosecondsPerSecond);  // to find it on a loaded machine
  EXPECT_EQ(ExitKey(bad()), "timeout");
  EXPECT_THAT(Error(), HasSubstr("the runner did not end a killed trial within 300ms"));
}

TEST_F(MisbehaviourTest, KillsTheGuardian) {
  Misbehave({{"do", "kill-guardian"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("the guardian process was ended"));
}

TEST_F(MisbehaviourTest, KillsTheGuardianBesideAnotherTrial) {
  options_.jobs = 2;
  judge_ = [](const FinishedTrial& trial) {
    return ExitKey(trial) == "interrupted" ? Judgement::kUnknown : Judgement::kPass;
  };
  PlannedCell long_cell = Cell("long", {{"do", "record-for-ever"}});
  long_cell.timeout = 2 * kNanosecondsPerSecond;
  const EngineOutcome outcome = Run({long_cell, Cell("bad", {{"do", "kill-guardian"}})});
  EXPECT_EQ(outcome.infrastructure, "");
  // Both are cut short, and each is repeated alone: then it shows whose fault it was.
  std::vector<std::string> ends;
  for (const FinishedTrial& trial : finished_)
    ends.push_back(std::to_string(trial.cell) + " " + ExitKey(trial));
  EXPECT_THAT(ends, ElementsAre("0 interrupted", "1 interrupted", "0 timeout", "1 vanished"));
}

TEST_F(MisbehaviourTest, KillsTheGuardianAndItsSecond) {
  Misbehave({{"do", "kill-both-guardians"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "vanished");
}

TEST_F(MisbehaviourTest, StopsTheGuardian) {
  Misbehave({{"do", "stop-guardian"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "exited");
}

TEST_F(MisbehaviourTest, RemovesItsFolder) {
  Misbehave({{"do", "remove-folder"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "exited");
  EXPECT_TRUE(GetBool(HistoryOf(bad()).events().back().Value(), "recording_lost"));
  EXPECT_EQ(FileOf(bad(), "stdout"), "after it\n");
}

TEST_F(MisbehaviourTest, OverwritesItsRecording) {
  Misbehave({{"do", "overwrite-recording"}}, kLong);
  EXPECT_TRUE(GetBool(HistoryOf(bad()).events().back().Value(), "recording_lost"));
  EXPECT_TRUE(FileOf(bad(), "history.ring.damaged").starts_with("wild"));
}

TEST_F(MisbehaviourTest, PutsAFolderWhereItsHistoryBelongs) {
  Misbehave({{"do", "shadow-history"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "exited");
}

TEST_F(MisbehaviourTest, PutsFifosWhereItsOutputBelongs) {
  Misbehave({{"do", "shadow-files"}}, kLong);
  EXPECT_EQ(FileOf(bad(), "stdout"), "hidden\n");
}

TEST_F(MisbehaviourTest, RunnerCrashesBeforeTheTrialStarts) {
  Misbehave({{"runner", "crash-before-start"}});
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("signal 6"));
}

TEST_F(MisbehaviourTest, RunnerNeverStartsTheTrial) {
  options_.patience.start = kShort;
  Misbehave({{"runner", "never-start"}});
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("the runner did not start the trial within 300ms"));
}

TEST_F(MisbehaviourTest, RunnerNeverEndsTheTrial) {
  options_.patience.end = kShort;
  Misbehave({{"runner", "never-end"}, {"do", "hang"}});
  EXPECT_EQ(ExitKey(bad()), "timeout");
  EXPECT_THAT(Error(), HasSubstr("did not end a killed trial"));
}

TEST_F(MisbehaviourTest, RunnerSpeaksGarbage) {
  Misbehave({{"runner", "garbage"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("broken protocol: "));
}

TEST_F(MisbehaviourTest, RunnerSaysWhatNobodyKnows) {
  Misbehave({{"runner", "unknown-message"}}, kLong);
  EXPECT_THAT(Error(), HasSubstr("a message of type 'hello' was not expected"));
}

TEST_F(MisbehaviourTest, RunnerEndsWhatHasNotStarted) {
  Misbehave({{"runner", "ended-first"}}, kLong);
  EXPECT_THAT(Error(), HasSubstr("ended a trial that it had not started"));
}

TEST_F(MisbehaviourTest, RunnerStartsTheTrialTwice) {
  Misbehave({{"runner", "started-twice"}, {"do", "hang"}}, kLong);
  EXPECT_THAT(Error(), HasSubstr("started a trial twice"));
}

TEST_F(MisbehaviourTest, RunnerEndsAnotherProcess) {
  Misbehave({{"runner", "wrong-pid"}}, kLong);
  EXPECT_THAT(Error(), HasSubstr("`ended` is about another process"));
}

TEST_F(MisbehaviourTest, RunnerClosesItsSocket) {
  Misbehave({{"runner", "close-socket"}, {"do", "hang"}}, kLong);
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("the runner closed its socket"));
}

TEST_F(MisbehaviourTest, RunnerCrashesAtLoading) {
  FailToLoad("load-crash");
  EXPECT_EQ(ExitKey(bad()), "vanished");
  EXPECT_THAT(Error(), HasSubstr("signal 6"));
  EXPECT_THAT(FileOf(bad(), "history.trh"), Not(HasSubstr("recording_lost")));
}

TEST_F(MisbehaviourTest, RunnerExitsAtLoadingWithAMessage) {
  FailToLoad("load-exit");
  EXPECT_THAT(Error(), ::testing::Eq("the workload ended the process (exit status 7) while it was "
                                     "loaded; it printed last: no such module; in all: in the "
                                     "loader:\nno such module"));
}

TEST_F(MisbehaviourTest, RunnerNeverLoads) {
  options_.patience.idle_load = kShort;  // to start it took some of the processor: not all in one look
  FailToLoad("load-hang");
  EXPECT_THAT(Error(), HasSubstr("did not answer `load` within "));
}

TEST_F(MisbehaviourTest, RunnerThatHangsAtLoadingLoadsInItsTrials) {
  options_.patience.idle_load = kShort;
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 2);
  cell.workload = "/fake/load-hang-to-fork";
  cell.timeout = kShort;
  Run({cell});
  ASSERT_EQ(finished_.size(), 2U);
  EXPECT_EQ(ExitKey(finished_[1]), "exited");
  EXPECT_THAT(notes_[0],
              ElementsAre(HasSubstr("isolation: process, since loading did not end within ")));
}

TEST_F(MisbehaviourTest, RunnerMayLoadSlowlyWhileItUsesTheProcessor) {
  options_.patience.idle_load = kShort;
  PlannedCell cell = Cell("cell", {{"do", "operations"}});
  cell.workload = "/fake/load-busily";
  cell.timeout = kShort;
  Run({cell});
  EXPECT_EQ(ExitKey(only()), "exited");
  EXPECT_TRUE(notes_.empty());
}

// A machine that gives it too little of the processor says nothing of the workload.
TEST_F(MisbehaviourTest, RunnerThatIsStillLoadingWhenItsTimeIsOverBrokeNothing) {
  options_.patience.load = options_.patience.idle_load = kShort;
  for (const bool isolated : {false, true}) {
    PlannedCell cell = Cell(isolated ? "isolated" : "forked", {{"do", "operations"}});
    cell.workload = "/fake/load-busily";
    cell.isolated_process = isolated;
    cell.timeout = kShort;
    Run({cell});
    ASSERT_EQ(finished_.size(), 1U);
    EXPECT_EQ(ExitKey(only()), "interrupted");
    EXPECT_THAT(GetString(only().exit, "protocol_error"),
                ::testing::StartsWith("loading was not over after 300ms, in which it got "));
    EXPECT_TRUE(notes_.empty());
    finished_.clear();
  }
}

TEST_F(MisbehaviourTest, ThreeLoadsInARowThatTakeTooLongEndACell) {
  options_.patience.load = options_.patience.idle_load = kShort;
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 10);
  cell.workload = "/fake/load-busily";
  cell.timeout = kShort;
  Run({cell});
  EXPECT_EQ(finished_.size(), 3U);
  EXPECT_EQ(refused_[0].reason, "broken");
  EXPECT_THAT(refused_[0].message, ::testing::StartsWith("three times in a row loading was not"));
}

TEST_F(MisbehaviourTest, RunnerThatLoopsAtLoadingLoadsInItsTrials) {
  options_.patience.load = 50 * kLong;
  options_.patience.idle_load = options_.patience.busy_load = kShort;
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 2);
  cell.workload = "/fake/load-loop-to-fork";
  cell.timeout = kShort;
  Run({cell});
  ASSERT_EQ(finished_.size(), 2U);
  EXPECT_EQ(ExitKey(finished_[1]), "exited");
  EXPECT_THAT(notes_[0],
              ElementsAre(HasSubstr("isolation: process, since loading did not end within ")));
}

TEST_F(MisbehaviourTest, RunnerMayWaitAtLoadingForAsLongAsATrialMayTake) {
  options_.patience.load = options_.patience.idle_load = options_.patience.busy_load = 1;
  PlannedCell cell = Cell("cell", {{"do", "operations"}});
  Run({cell});
  EXPECT_EQ(ExitKey(only()), "exited");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(MisbehaviourTest, RunnerSpeaksGarbageAtLoading) {
  FailToLoad("load-garbage");
  EXPECT_THAT(Error(), HasSubstr("broken protocol: "));
}

TEST_F(MisbehaviourTest, ThreeBrokenRunnersInARowEndACell) {
  FailToLoad("load-crash", 10);
  EXPECT_EQ(finished_.size(), 4U);  // three of them, and the good one
  EXPECT_EQ(refused_[0].reason, "broken");
  EXPECT_THAT(refused_[0].message, HasSubstr("three runners in a row broke; the last: "));
}

TEST_F(MisbehaviourTest, CellsThatKillTheGuardianAreGivenUpAndTheOthersRun) {
  Run({Cell("bad", {{"do", "kill-guardian"}}, 5), Cell("worse", {{"do", "kill-both-guardians"}}, 5),
       Cell("good", {{"do", "operations"}})});
  EXPECT_EQ(finished_.size(), 7U);
  EXPECT_EQ(refused_.size(), 2U);
}

TEST_F(MisbehaviourTest, TwoBrokenRunnersInARowDoNot) {
  FailToLoad("load-crash", 2);
  EXPECT_EQ(finished_.size(), 3U);
  EXPECT_TRUE(refused_.empty());
}

}  // namespace
}  // namespace trireme
