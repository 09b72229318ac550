// Faults that the harness does itself, on real processes, each beside a twin that does not suffer it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "harness/base/clock.h"
#include "harness/engine/thread_group.h"
#include "tests/harness/engine/disk_test_problem.h"
#include "tests/harness/engine/engine_fixture.h"

namespace trireme {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMillisecond = kNanosecondsPerMillisecond;

class FaultsTest : public EngineTest {
 protected:
  FaultsTest() { options_.patience.debugger = 0; }

  // A trial that does `what` and suffers one fault.
  const FinishedTrial& Suffer(const std::string& what, const char* key, const Json& members) {
    return SufferAll(what, {{{"name", "fault"}, {key, members}}});
  }
  const FinishedTrial& SufferAll(const std::string& what, const Json& faults) {
    PlannedCell cell = Cell("cell", {{"do", what}});
    if (!faults.empty()) cell.fault_plan = {{"name", "plan"}, {"summary", ""}, {"all", faults}};
    finished_.clear();
    Run({cell});
    return only();
  }
  // The same without a fault, for a moment: it must end by its deadline.
  void ExpectThatItHangsWithout(const std::string& what) {
    PlannedCell cell = Cell("twin", {{"do", what}});
    cell.timeout = 300 * kMillisecond;
    finished_.clear();
    Run({cell});
    EXPECT_EQ(ExitKey(only()), "timeout");
    EXPECT_TRUE(GetMember(only().exit, "fault").is_null());
    EXPECT_THAT(FaultsOf(only()), IsEmpty());
  }

  // Of its FAULT events, without what differs between runs.
  static std::vector<Json> FaultsOf(const FinishedTrial& trial) {
    std::vector<Json> values;
    const History history = HistoryOf(trial);
    for (const Event& event : history.events()) {
      if (event.kind != EventKind::kFault) continue;
      EXPECT_EQ(event.id, 1U);
      EXPECT_EQ(event.key, "fault");
      Json value = event.Value();
      value.erase("process");
      value.erase("command");
      values.push_back(value);
    }
    return values;
  }
  static std::vector<int64_t> FaultTimesOf(const FinishedTrial& trial) {
    std::vector<int64_t> times;
    const History history = HistoryOf(trial);
    for (const Event& event : history.events())
      if (event.kind == EventKind::kFault) times.push_back(event.time);
    return times;
  }
  // The value that an operation of that name gave.
  static std::optional<int64_t> ValueOf(const FinishedTrial& trial, const std::string& name) {
    for (const Operation& operation : HistoryOf(trial).Operations())
      if (operation.name == name) return operation.value.get<int64_t>();
    return std::nullopt;
  }
};

TEST_F(FaultsTest, KillsTheTrialAndSaysSo) {
  const FinishedTrial& trial = Suffer("hang", "process", {{"signal", "KILL"}});
  EXPECT_EQ(ExitKey(trial), "signalled");
  EXPECT_EQ(GetMember(trial.exit, "fault"), Json({{"id", 1}, {"name", "fault"}}));
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(Json{{"do", {{"signal", "KILL"}}}, {"target", "runner"}}));
  ExpectThatItHangsWithout("hang");
}

TEST_F(FaultsTest, ACrashBesideAFaultIsNotTheFaults) {
  const FinishedTrial& trial =
      Suffer("segv", "process", {{"signal", "KILL"}, {"after", 3600 * kNanosecondsPerSecond}});
  EXPECT_EQ(ExitKey(trial), "signalled");
  EXPECT_TRUE(GetMember(trial.exit, "fault").is_null());
  EXPECT_THAT(FaultsOf(trial), IsEmpty());
}

TEST_F(FaultsTest, WaitsForAnOperation) {
  const FinishedTrial& trial =
      Suffer("record-for-ever", "process", {{"signal", "KILL"}, {"event", "op:add#5"}});
  EXPECT_EQ(ExitKey(trial), "signalled");
  const std::vector<Operation> operations = HistoryOf(trial).Operations();
  ASSERT_GE(operations.size(), 5U);
  ASSERT_EQ(FaultTimesOf(trial).size(), 1U);
  EXPECT_GE(FaultTimesOf(trial)[0], operations[4].begin);
}

// However fast it is: without the fault it is over before anybody could have looked.
TEST_F(FaultsTest, StrikesAtTheOperationThatItWaitsFor) {
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 20);
  cell.fault_plan = {
      {"name", "plan"},
      {"summary", ""},
      {"all", {{{"name", "fault"}, {"process", {{"signal", "KILL"}, {"event", "op:add#4"}}}}}}};
  Run({cell});
  ASSERT_EQ(finished_.size(), 20U);
  for (const FinishedTrial& trial : finished_) {
    EXPECT_EQ(ExitKey(trial), "signalled");
    const std::vector<Operation> operations = HistoryOf(trial).Operations();
    ASSERT_EQ(operations.size(), 4U);
    EXPECT_EQ(FaultTimesOf(trial).size(), 1U);
  }
}

TEST_F(FaultsTest, StrikesBeforeTheFirstStatement) {
  PlannedCell cell = Cell("cell", {{"do", "operations"}}, 20);
  cell.fault_plan = {{"name", "plan"},
                     {"summary", ""},
                     {"all", {{{"name", "fault"}, {"process", {{"signal", "KILL"}}}}}}};
  Run({cell});
  ASSERT_EQ(finished_.size(), 20U);
  for (const FinishedTrial& trial : finished_) {
    const History history = HistoryOf(trial);
    EXPECT_EQ(history.Operations().size(), 0U);
    EXPECT_THAT(history.events(), Contains(::testing::Field(&Event::kind, EventKind::kBegin)));
    EXPECT_EQ(FaultTimesOf(trial).size(), 1U);
  }
}

TEST_F(FaultsTest, DoesNothingBeforeAnEventThatNeverComes) {
  const FinishedTrial& trial =
      Suffer("operations", "process", {{"signal", "KILL"}, {"event", "op:add#11"}});
  EXPECT_EQ(ExitKey(trial), "exited");
  EXPECT_THAT(FaultsOf(trial), IsEmpty());
}

TEST_F(FaultsTest, StopsTheTrialForAWhile) {
  const FinishedTrial& trial =
      Suffer("until-continued", "process",
             {{"signal", "STOP"}, {"event", "op:add#3"}, {"for", 300 * kMillisecond}});
  EXPECT_EQ(ExitKey(trial), "exited");
  const Json stop = {{"do", {{"signal", "STOP"}, {"for", 0.3}}}, {"target", "runner"}};
  Json over = stop;
  over["over"] = true;
  EXPECT_THAT(FaultsOf(trial), ElementsAre(stop, over));
  // What it recorded while it stood still, but for the moment in which the signal was on its way.
  const std::vector<int64_t> times = FaultTimesOf(trial);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[1] - times[0], 300 * kMillisecond);
  for (const Operation& operation : HistoryOf(trial).Operations())
    EXPECT_FALSE(operation.begin > times[0] + 200 * kMillisecond && operation.begin < times[1]);
  ExpectThatItHangsWithout("until-continued");
}

// The one that began last ends first, and lets nothing go on.
TEST_F(FaultsTest, StopsForAsLongAsTheLongestOfTwoDoes) {
  const auto stop = [](const char* name, int64_t milliseconds) {
    return Json{{"name", name},
                {"process",
                 {{"signal", "STOP"}, {"event", "op:add#3"}, {"for", milliseconds * kMillisecond}}}};
  };
  PlannedCell cell = Cell("cell", {{"do", "until-continued"}});
  cell.fault_plan = {
      {"name", "plan"}, {"summary", ""}, {"all", {stop("long", 300), stop("short", 50)}}};
  Run({cell});
  const FinishedTrial& trial = finished_.at(0);
  EXPECT_EQ(ExitKey(trial), "exited");
  const std::vector<int64_t> times = FaultTimesOf(trial);
  ASSERT_EQ(times.size(), 4U);
  EXPECT_GE(times[3] - times[0], 300 * kMillisecond);
  for (const Operation& operation : HistoryOf(trial).Operations())
    EXPECT_FALSE(operation.begin > times[0] + 200 * kMillisecond && operation.begin < times[3]);
}

TEST_F(FaultsTest, LetsGoOnWhatIsStoppedAtTheDeadline) {
  PlannedCell cell = Cell("cell", {{"do", "record-for-ever"}});
  cell.fault_plan = {
      {"name", "plan"},
      {"summary", ""},
      {"all", {{{"name", "fault"}, {"process", {{"signal", "STOP"}, {"event", "op:add#3"}}}}}}};
  cell.timeout = kNanosecondsPerSecond;
  Run({cell});
  EXPECT_EQ(ExitKey(only()), "timeout");
  // Only a process that runs answers the signal for its stacks.
  EXPECT_THAT(FileOf(only(), "stacks.txt"), ::testing::HasSubstr("main: in Forever"));
  EXPECT_EQ(FaultsOf(only()).size(), 2U);
}

TEST_F(FaultsTest, KillsAWorker) {
  const FinishedTrial& trial =
      Suffer("worker", "process", {{"signal", "KILL"}, {"target", "worker"}});
  EXPECT_EQ(ExitKey(trial), "exited");
  EXPECT_EQ(ValueOf(trial, "signal"), SIGKILL);
  EXPECT_TRUE(GetMember(trial.exit, "fault").is_null());
  ExpectThatItHangsWithout("worker");
}

TEST_F(FaultsTest, FindsAProcessByItsName) {
  const FinishedTrial& trial =
      Suffer("worker", "process",
             {{"signal", "TERM"}, {"target", "trireme_fake_*"}, {"event", "op:child"}});
  EXPECT_EQ(GetMember(trial.exit, "fault"), Json({{"id", 1}, {"name", "fault"}}));
  EXPECT_EQ(FaultsOf(trial).size(), 2U);  // the worker, and the trial's own
}

// The first of them takes the others with it, while they are struck.
TEST_F(FaultsTest, StrikesAllThatItFound) {
  const FinishedTrial& trial =
      Suffer("family", "process",
             {{"signal", "KILL"}, {"target", "trireme_fake_*"}, {"event", "op:children"}});
  EXPECT_EQ(FaultsOf(trial).size(), 51U);
}

// A process of ours, of that name, that no trial started; it ends with this.
class Stranger {
 public:
  explicit Stranger(const char* name) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, name);
    while (true) ::pause();
  }
  ~Stranger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  bool lives() const { return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  const pid_t pid_;
};

TEST_F(FaultsTest, LeavesAProcessAloneThatTheTrialDidNotStart) {
  const Stranger stranger("tri_stranger");
  for (const char* target : {"tri_stranger", "systemd"}) {
    PlannedCell cell = Cell("cell", {{"do", "hang"}});
    cell.timeout = 300 * kMillisecond;
    const Json kill = {{"signal", "KILL"}, {"target", target}};
    cell.fault_plan = {
        {"name", "plan"}, {"summary", ""}, {"all", {{{"name", "fault"}, {"process", kill}}}}};
    finished_.clear();
    Run({cell});
    EXPECT_EQ(ExitKey(only()), "timeout") << target;
    EXPECT_THAT(FaultsOf(only()), IsEmpty()) << target;  // so that it counts as not reached
  }
  EXPECT_TRUE(stranger.lives());
}

TEST_F(FaultsTest, StopsAndContinuesAWorker) {
  const FinishedTrial& trial =
      Suffer("stopped-worker", "process",
             {{"signal", "STOP"}, {"target", "worker"}, {"for", 50 * kMillisecond}});
  EXPECT_EQ(ValueOf(trial, "continued"), 1);
}

TEST_F(FaultsTest, EndsAServerAndStartsItAgain) {
  const FinishedTrial& trial = Suffer("served", "process",
                                      {{"signal", "KILL"},
                                       {"target", "server"},
                                       {"event", "op:connect"},
                                       {"restart", 10 * kMillisecond}});
  EXPECT_EQ(ExitKey(trial), "exited");
  EXPECT_EQ(ValueOf(trial, "again"), 1);
  const Json ended = {{"do", {{"signal", "KILL"}, {"restart", 0.01}}}, {"target", "server"}};
  Json over = ended;
  over["over"] = true;
  EXPECT_THAT(FaultsOf(trial), ElementsAre(ended, over));
  ExpectThatItHangsWithout("served");
}

Json LimitEvent(const char* name, uint64_t value, bool over, double seconds = 0.2) {
  Json event = {{"do", {{name, value}, {"for", seconds}}}};
  if (over) event["over"] = true;
  return event;
}

TEST_F(FaultsTest, TakesDescriptorsAndGivesThemBack) {
  const FinishedTrial& trial =
      Suffer("open-files", "resource", {{"nofile", 64}, {"for", 200 * kMillisecond}});
  EXPECT_EQ(ValueOf(trial, "errno"), EMFILE);
  EXPECT_EQ(ValueOf(trial, "open"), 1);
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(LimitEvent("nofile", 64, false), LimitEvent("nofile", 64, true)));
}

// The shortest workload sees it, and its runtime was ready before.
TEST_F(FaultsTest, LimitsFromTheFirstStatementOn) {
  PlannedCell cell = Cell("cell", {{"do", "look-at-limit"}}, 20);
  cell.fault_plan = {{"name", "plan"},
                     {"summary", ""},
                     {"all", {{{"name", "fault"}, {"resource", {{"nofile", 64}}}}}}};
  Run({cell});
  ASSERT_EQ(finished_.size(), 20U);
  for (const FinishedTrial& trial : finished_) {
    EXPECT_EQ(ValueOf(trial, "limit"), 64);
    EXPECT_THAT(FaultsOf(trial), Contains(Json{{"do", {{"nofile", 64}}}}));
  }
}

// A runner that starts with few descriptors keeps them: a limit above that is no gift.
TEST_F(FaultsTest, GivesNobodyMoreThanTheyHad) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few = {.rlim_cur = 256, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const FinishedTrial& trial = Suffer("look-at-limit", "resource", {{"nofile", 300}});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(ValueOf(trial, "limit"), 256);
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(Json{{"do", {{"nofile", 300}}},
                               {"failed", {"no process has more than 300 anyway"}}},
                          Json{{"do", {{"nofile", 300}}}, {"over", true}}));
}

TEST_F(FaultsTest, LimitsLater) {
  const FinishedTrial& trial = Suffer("look-at-limit", "resource",
                                      {{"nofile", 64}, {"after", 3600 * kNanosecondsPerSecond}});
  EXPECT_NE(ValueOf(trial, "limit"), 64);
  EXPECT_THAT(FaultsOf(trial), IsEmpty());
}

TEST_F(FaultsTest, TakesThreadsAndGivesThemBack) {
  if (!ThreadGroupProblem().empty()) GTEST_SKIP() << ThreadGroupProblem();
  const FinishedTrial& trial =
      Suffer("start-processes", "resource", {{"threads", 1}, {"for", 200 * kMillisecond}});
  EXPECT_EQ(ValueOf(trial, "errno"), EAGAIN);
  EXPECT_EQ(ValueOf(trial, "start"), 1);
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(LimitEvent("threads", 1, false), LimitEvent("threads", 1, true)));
}

TEST_F(FaultsTest, FillsTheDiskAndMakesRoom) {
  if (!DiskTestProblem().empty()) GTEST_SKIP() << DiskTestProblem();
  const FinishedTrial& trial =
      Suffer("write-files", "resource", {{"disk", 65536}, {"for", 200 * kMillisecond}});
  EXPECT_EQ(ValueOf(trial, "errno"), ENOSPC);
  EXPECT_EQ(ValueOf(trial, "write"), 1);
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(LimitEvent("disk", 65536, false), LimitEvent("disk", 65536, true)));
}

// The proxy has a thread of the harness, which enters the guardian's mounts all the same.
TEST_F(FaultsTest, FillsTheDiskWhileTheNetworkIsSlow) {
  if (!DiskTestProblem().empty()) GTEST_SKIP() << DiskTestProblem();
  const FinishedTrial& trial =
      SufferAll("write-files",
                {{{"name", "fault"}, {"resource", {{"disk", 65536}, {"for", 200 * kMillisecond}}}},
                 {{"name", "slow"}, {"network", {{"latency", kMillisecond}}}}});
  EXPECT_EQ(ExitKey(trial), "exited");
  EXPECT_EQ(ValueOf(trial, "errno"), ENOSPC);
  EXPECT_EQ(ValueOf(trial, "write"), 1);
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(LimitEvent("disk", 65536, false), LimitEvent("disk", 65536, true)));
}

TEST_F(FaultsTest, CompetesForProcessorsForAWhile) {
  // Long enough for the workload to look at all processes beside other tests.
  const FinishedTrial& trial =
      Suffer("await-load", "resource", {{"cpu", 1}, {"for", 2000 * kMillisecond}});
  EXPECT_EQ(ExitKey(trial), "exited");
  EXPECT_THAT(FaultsOf(trial),
              ElementsAre(LimitEvent("cpu", 1, false, 2.0), LimitEvent("cpu", 1, true, 2.0)));
  // No twin: to the workload the load of other tests looks the same.
}

TEST_F(FaultsTest, EndsALoadWithItsTrial) {
  const FinishedTrial& trial = Suffer("return", "resource", {{"cpu", 2}});
  EXPECT_EQ(ExitKey(trial), "exited");  // the fixture finds no process
}

}  // namespace
}  // namespace trireme
