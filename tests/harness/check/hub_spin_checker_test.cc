#include "harness/check/hub_spin_checker.h"

#include <gmock/gmock.h>

#include <array>
#include <utility>

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::Not;

const Json kFor = {{"for", 500 * kMs}};

TrialBuilder SpinningLoop() {
  TrialBuilder trial;
  trial.Watched({.usage_interval = 100 * kMs});
  trial.Add(EventKind::kHold, 2, "watched");
  return trial;
}

// A tenth of a second of a loop that spins because a descriptor is always ready.
Json Ready(const Json& change = Json::object()) {
  Json value = {{"wall", 0.1},   {"delay", 0.0}, {"cpu", 0.1}, {"polls", 5000},
                {"found", 5000}, {"steps", 0},   {"moved", 0}};
  value.merge_patch(change);
  return value;
}

// Intervals from 100 ms on, `count` of them.
TrialBuilder& Use(TrialBuilder& trial, int count, const Json& value = Ready()) {
  for (int i = 0; i < count; ++i)
    trial.Add(EventKind::kUsage, (200 + 100 * i) * kMs, "loop", value, 0);
  return trial.End("returned", nullptr, 3000 * kMs).Exit("exited", Json::object(), 3001 * kMs);
}

CheckResult CheckSpin(TrialBuilder& trial) { return trial.Check(HubSpinChecker(), kFor); }

CheckResult CheckWith(const Json& change) {
  TrialBuilder trial = SpinningLoop();
  return CheckSpin(Use(trial, 10, Ready(change)));
}

TEST(HubSpinCheckerTest, RejectsEventsThatNobodyTakes) {
  TrialBuilder trial = SpinningLoop();
  const CheckResult result = CheckSpin(Use(trial, 5));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "a loop spun for 0.50 s, 0.50 s of a processor: of 25000 polls 25000 found events that "
            "nobody took");
  EXPECT_FALSE(result.findings.at(0).advisory);
}

// What the task of a loop that turns says at `time`: where it gave the loop back.
TrialBuilder& Tell(TrialBuilder& trial, int64_t time) {
  return trial.Add(EventKind::kUsage, time, "task",
                   {{"other_name", "poller"}, {"other_stack", {"workload.py:7 in poll"}}}, 2);
}

TEST(HubSpinCheckerTest, TellsWhichTaskTurnsIt) {
  TrialBuilder trial = SpinningLoop();
  const std::string nobody = CheckSpin(Use(trial, 5)).findings.at(0).signature;
  trial = SpinningLoop();
  const CheckResult result = CheckSpin(Use(Tell(trial, 250 * kMs), 5));
  EXPECT_EQ(result.reason,
            "a loop spun for 0.50 s, 0.50 s of a processor: of 25000 polls 25000 found events that "
            "nobody took: poller, workload.py:7 in poll");
  const Finding& finding = result.findings.at(0);
  EXPECT_EQ(finding.participants.at(0).task, "poller");
  EXPECT_EQ(finding.participants.at(0).stack,
            std::vector<std::string>{"workload.py:7 in poll"});
  EXPECT_EQ(finding.signature, nobody);
}

// What a poll of a loop that turns finds at `time`.
TrialBuilder& Find(TrialBuilder& trial, int64_t time, const std::vector<int>& fds) {
  Json descriptors = Json::array();
  for (const int fd : fds)
    descriptors.push_back(
        {{"fd", fd}, {"kind", "stream"}, {"local", "127.0.0.1:1"}, {"peer", "127.0.0.1:2"}});
  return trial.Add(EventKind::kUsage, time, "ready", {{"descriptors", descriptors}}, 0);
}

TEST(HubSpinCheckerTest, NamesTheDescriptorThatIsAlwaysReady) {
  TrialBuilder trial = SpinningLoop();
  const std::string unnamed = CheckSpin(Use(trial, 5)).findings.at(0).signature;
  trial = SpinningLoop();
  Find(Find(Find(trial, 50 * kMs, {9}), 250 * kMs, {7, 8}), 350 * kMs, {7});
  const CheckResult result = CheckSpin(Use(trial, 5));
  EXPECT_EQ(result.reason,
            "a loop spun for 0.50 s, 0.50 s of a processor: of 25000 polls 25000 found events that "
            "nobody took, of descriptor 7, the stream 127.0.0.1:1 - 127.0.0.1:2");
  EXPECT_EQ(result.findings.at(0).signature, unnamed);
}

TEST(HubSpinCheckerTest, NamesTheCallbackOfWhatIsAlwaysReady) {
  const auto judge = [](int second_fd) {
    TrialBuilder trial = SpinningLoop();
    for (const auto& [time, fd] : {std::pair(250 * kMs, 7), std::pair(350 * kMs, second_fd)})
      trial.Add(EventKind::kUsage, time, "ready",
                {{"descriptors", {{{"fd", fd}, {"reader", "callback f"}, {"place", "a.py:3 in f"}}}}},
                0);
    return CheckSpin(Use(trial, 5)).findings.at(0);
  };
  const Finding named = judge(7);
  EXPECT_THAT(named.message, testing::EndsWith("of descriptor 7: callback f, a.py:3 in f"));
  EXPECT_EQ(named.participants.at(0).task, "callback f");
  EXPECT_THAT(named.participants.at(0).stack, testing::ElementsAre("a.py:3 in f"));
  EXPECT_EQ(judge(8).participants.at(0).task, "loop");
}

TEST(HubSpinCheckerTest, NamesTheCallbackThatMayAlwaysWrite) {
  TrialBuilder trial = SpinningLoop();
  trial.Add(EventKind::kUsage, 250 * kMs, "ready",
            {{"descriptors", {{{"fd", 7}, {"writer", "callback g"}, {"place", "a.py:3 in g"}}}}}, 0);
  EXPECT_EQ(CheckSpin(Use(trial, 5)).findings.at(0).participants.at(0).task, "callback g");
}

TEST(HubSpinCheckerTest, NamesNoDescriptorWhereAnotherWasReadyEachTime) {
  TrialBuilder trial = SpinningLoop();
  Find(Find(trial, 250 * kMs, {7}), 350 * kMs, {8});
  EXPECT_THAT(CheckSpin(Use(trial, 5)).reason, Not(HasSubstr("descriptor")));
}

TEST(HubSpinCheckerTest, TakesNoTaskThatTurnedItBefore) {
  TrialBuilder trial = SpinningLoop();
  const CheckResult result = CheckSpin(Use(Tell(trial, 50 * kMs), 5));
  EXPECT_EQ(result.findings.at(0).participants.at(0).task, "loop");
}

// A loop that spun for 300 ms ended; another, whose thread got the same number, begins to some milliseconds later.
TEST(HubSpinCheckerTest, DoesNotTakeTwoThreadsOfOneNumberForOne) {
  const auto judge = [](int64_t gap) {
    TrialBuilder trial = SpinningLoop();
    for (int i = 0; i < 6; ++i)
      trial.Add(EventKind::kUsage, (200 + 100 * i) * kMs + (i < 3 ? 0 : gap), "loop", Ready(), 0);
    trial.End("returned", nullptr, 3000 * kMs).Exit("exited", Json::object(), 3001 * kMs);
    return CheckSpin(trial).verdict;
  };
  EXPECT_EQ(judge(10 * kMs), Verdict::kFail);
  EXPECT_EQ(judge(11 * kMs), Verdict::kPass);
  EXPECT_EQ(judge(1000 * kMs), Verdict::kPass);
}

// What came of it may be what is missing.
TEST(HubSpinCheckerTest, CannotDecideWhereEventsAreMissing) {
  TrialBuilder trial = SpinningLoop();
  trial.Watched({.damage = "a part is missing", .usage_interval = 100 * kMs});
  const CheckResult result = CheckSpin(Use(trial, 5));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "the history is damaged");
}

TEST(HubSpinCheckerTest, AcceptsAShorterOne) {
  TrialBuilder trial = SpinningLoop();
  EXPECT_EQ(CheckSpin(Use(trial, 4)).verdict, Verdict::kPass);
}

TEST(HubSpinCheckerTest, RejectsTasksThatAskAgainAndAgain) {
  const CheckResult result = CheckWith({{"found", 0}, {"steps", 5000}});
  EXPECT_THAT(result.reason,
              HasSubstr("of 50000 polls 0 found events, and 50000 steps of tasks led to nothing"));
}

TEST(HubSpinCheckerTest, IsSureOfThatOnlyWhereTheRuntimeRecords) {
  TrialBuilder trial = SpinningLoop();
  trial.Cell({{"id", "watch"}, {"scenario", "program"}});
  const CheckResult result = CheckSpin(Use(trial, 10, Ready({{"found", 0}, {"steps", 5000}})));
  EXPECT_EQ(result.verdict, Verdict::kPass);
  EXPECT_TRUE(result.findings.at(0).advisory);
}

TEST(HubSpinCheckerTest, CountsStepsWhereTheHubDoesNotPoll) {
  EXPECT_EQ(CheckWith({{"polls", 0}, {"found", 0}, {"steps", 5000}}).verdict, Verdict::kFail);
}

TEST(HubSpinCheckerTest, AcceptsALoopThatReadsAndWrites) {
  EXPECT_EQ(CheckWith({{"moved", 1}}).verdict, Verdict::kPass);
}

TEST(HubSpinCheckerTest, AcceptsALoopThatHasTimeLeft) {
  EXPECT_EQ(CheckWith({{"cpu", 0.089}}).verdict, Verdict::kPass);
  EXPECT_EQ(CheckWith({{"cpu", 0.091}}).verdict, Verdict::kFail);
}

TEST(HubSpinCheckerTest, JudgesTheTimeThatItCouldHaveHad) {
  EXPECT_EQ(CheckWith({{"cpu", 0.05}, {"delay", 0.05}}).verdict, Verdict::kFail);
}

// As a machine with four other programs a processor told it: each wait is told where it ended, {wall, delay, cpu}.
constexpr std::array<std::array<double, 3>, 8> kOnABusyMachine = {{{0.112, 0.100, 0.0199},
                                                                   {0.116, 0.084, 0.0199},
                                                                   {0.108, 0.100, 0.0199},
                                                                   {0.100, 0.000, 0.0},
                                                                   {0.100, 0.148, 0.0199},
                                                                   {0.104, 0.068, 0.0198},
                                                                   {0.104, 0.084, 0.0199},
                                                                   {0.120, 0.092, 0.0238}}};

// A loop of which that was told, so many times slower, and that slept `slept` times in each interval.
CheckResult CheckOnABusyMachine(int64_t slept, double slower = 1, const Json& change = {}) {
  TrialBuilder trial = SpinningLoop();
  int64_t time = 100 * kMs;
  for (const auto& [wall, delay, cpu] : kOnABusyMachine) {
    time += static_cast<int64_t>(wall * 1000) * kMs;
    Json value = {{"wall", wall},  {"delay", delay}, {"cpu", cpu / slower},
                  {"polls", 2800}, {"found", 0},     {"steps", cpu > 0 ? 2800 : 0},
                  {"moved", 0},    {"slept", slept}};
    if (change.is_object()) value.merge_patch(change);
    trial.Add(EventKind::kUsage, time, "loop", value, 0);
  }
  return CheckSpin(
      trial.End("returned", nullptr, 3000 * kMs).Exit("exited", Json::object(), 3001 * kMs));
}

TEST(HubSpinCheckerTest, IsNotHiddenByABusyMachine) {
  const CheckResult result = CheckOnABusyMachine(0);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_THAT(result.reason, HasSubstr("a loop spun for 0.86 s, 0.14 s of a processor"));
}

TEST(HubSpinCheckerTest, AcceptsALoopThatSleepsOnABusyMachine) {
  EXPECT_EQ(CheckOnABusyMachine(1).verdict, Verdict::kPass);
}

TEST(HubSpinCheckerTest, AcceptsALoopThatHardlyGetsAProcessor) {
  EXPECT_EQ(CheckOnABusyMachine(0, 2.4).verdict, Verdict::kFail);  // more than 50 ms
  EXPECT_EQ(CheckOnABusyMachine(0, 2.6).verdict, Verdict::kPass);
}

TEST(HubSpinCheckerTest, AcceptsATaskThatComputesInPiecesOnABusyMachine) {
  EXPECT_EQ(CheckOnABusyMachine(0, 1, {{"polls", 70}, {"steps", 70}}).verdict, Verdict::kPass);
}

TEST(HubSpinCheckerTest, AcceptsALoopThatSleepsForIntervals) {
  EXPECT_EQ(CheckWith({{"cpu", 0.0}, {"polls", 0}, {"found", 0}, {"slept", 0}}).verdict,
            Verdict::kPass);
}

TEST(HubSpinCheckerTest, AcceptsATaskThatComputesInPieces) {
  EXPECT_EQ(CheckWith({{"polls", 400}, {"found", 0}, {"steps", 400}}).verdict, Verdict::kPass);
  EXPECT_EQ(CheckWith({{"polls", 600}, {"found", 0}, {"steps", 600}}).verdict, Verdict::kFail);
}

TEST(HubSpinCheckerTest, AcceptsWhatComesOfIt) {
  for (const EventKind kind : {EventKind::kObserve, EventKind::kOk, EventKind::kTaskEnd,
                               EventKind::kOutcome, EventKind::kHold}) {
    TrialBuilder trial = SpinningLoop();
    trial.Add(kind, 550 * kMs, "x").Add(kind, 950 * kMs, "x");
    EXPECT_EQ(CheckSpin(Use(trial, 10)).verdict, Verdict::kPass) << static_cast<int>(kind);
  }
}

TEST(HubSpinCheckerTest, TakesTheEndOfAWaitForTimeForNothing) {
  for (const auto& [wait, verdict] :
       {std::pair("sleep", Verdict::kFail), std::pair("queue-get", Verdict::kPass)}) {
    TrialBuilder trial = SpinningLoop();
    trial.Add(EventKind::kWake, 550 * kMs, wait).Add(EventKind::kWake, 950 * kMs, wait);
    EXPECT_EQ(CheckSpin(Use(trial, 10)).verdict, verdict) << wait;
  }
}

TEST(HubSpinCheckerTest, CannotDecideWithoutUsage) {
  TrialBuilder trial = SpinningLoop();
  trial.Watched({.usage_interval = 101 * kMs});
  EXPECT_THAT(CheckSpin(trial).reason, HasSubstr("run it again with this check"));
  EXPECT_EQ(trial.Check(HubSpinChecker(), Json::object()).verdict, Verdict::kUnknown);
}

TEST(HubSpinCheckerTest, IsNotExercisedWithoutALoop) {
  TrialBuilder trial;
  trial.Watched({.usage_interval = 100 * kMs});
  EXPECT_TRUE(CheckSpin(trial).not_exercised);
}

}  // namespace
}  // namespace trireme
