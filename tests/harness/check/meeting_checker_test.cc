#include "harness/check/meeting_checker.h"

#include <gmock/gmock.h>

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two readers, tasks 2 and 3, of which the second comes at 100.
TrialBuilder TwoTasks() {
  TrialBuilder trial;
  trial.Task(2, "1.1", "first", 1).Task(3, "1.2", "second", 1);
  return trial;
}

Json MeetingJson(const Json& change = Json::object()) {
  Json value = {{"kind", "stream"},
                {"fd", 7},
                {"how", "read"},
                {"size", 10},
                {"local", "127.0.0.1:1"},
                {"peer", "127.0.0.1:2"},
                {"other", {{"task", 2}, {"process", 100}, {"thread", 100}, {"fd", 7}}},
                {"stack", {"workload.py:3 in read"}},
                {"other_stack", {"workload.py:3 in read"}}};
  value.merge_patch(change);
  return value;
}

TrialBuilder& Meet(TrialBuilder& trial, const std::string& action,
                   const Json& change = Json::object()) {
  return trial.Add(EventKind::kSocket, 100, action, MeetingJson(change), 3, 55);
}

TrialBuilder& Read(TrialBuilder& trial, uint32_t task, int64_t time, int64_t bytes) {
  return trial.Add(EventKind::kSocket, time, "read", {{"fd", 7}, {"bytes", bytes}}, task, 55);
}

CheckResult CheckReaders(TrialBuilder& trial, const Json& arguments = {{"listeners", false}}) {
  return trial.Check(MultipleReadersChecker(), arguments);
}

TEST(MeetingCheckerTest, AcceptsTasksThatNeverMet) {
  TrialBuilder trial = TwoTasks();
  EXPECT_EQ(CheckReaders(trial).verdict, Verdict::kPass);
}

TEST(MeetingCheckerTest, TellsOfOneEpollSetThatBothWaitIn) {
  TrialBuilder trial = TwoTasks();
  const CheckResult result = CheckReaders(Meet(trial, "second-reader", {{"how", "set"}}));
  EXPECT_EQ(result.reason,
            "second reads the stream 127.0.0.1:1 - 127.0.0.1:2, for which first waits in the same "
            "epoll set");
}

TEST(MeetingCheckerTest, NamesTheAddressesThatThereAre) {
  TrialBuilder trial = TwoTasks();
  const CheckResult result =
      CheckReaders(Meet(trial, "second-reader", {{"kind", "datagram"}, {"peer", ""}}));
  EXPECT_EQ(result.reason,
            "second calls to read the datagram 127.0.0.1:1, for which first waits already");
}

TEST(MeetingCheckerTest, RejectsASecondReader) {
  TrialBuilder trial = TwoTasks();
  const CheckResult result = CheckReaders(Meet(trial, "second-reader"));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(
      result.reason,
      "second calls to read the stream 127.0.0.1:1 - 127.0.0.1:2, for which first waits already");
  const Finding& finding = result.findings.at(0);
  EXPECT_EQ(finding.kind, "multiple-readers");
  EXPECT_FALSE(finding.advisory);
  ASSERT_EQ(finding.participants.size(), 2U);
  EXPECT_EQ(finding.participants[0].task, "first");
  EXPECT_THAT(finding.participants[1].stack, ElementsAre("workload.py:3 in read"));
  EXPECT_EQ(finding.evidence.at("first").at("fd"), 7);
}

TEST(MeetingCheckerTest, LeavesWritersToTheOtherCheck) {
  TrialBuilder trial = TwoTasks();
  Meet(trial, "second-writer");
  EXPECT_EQ(CheckReaders(trial).verdict, Verdict::kPass);
  const CheckResult result = trial.Check(MultipleWritersChecker());
  EXPECT_EQ(result.findings.at(0).kind, "multiple-writers");
}

TEST(MeetingCheckerTest, SaysEachObjectOnce) {
  TrialBuilder trial = TwoTasks();
  Meet(trial, "second-reader");
  Meet(trial, "second-reader");
  EXPECT_EQ(CheckReaders(trial).findings.size(), 1U);
}

TEST(MeetingCheckerTest, ASecondReaderThatTheRuntimeRefusesIsOneAllTheSame) {
  TrialBuilder trial = TwoTasks();
  trial.Add(EventKind::kSocket, 100, "rejected",
            {{"direction", "read"}, {"fd", 7}, {"message", "no"}}, 3, 55);
  const CheckResult result = CheckReaders(trial);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_THAT(result.reason,
              HasSubstr("the runtime refused that second would read descriptor 7 too: no"));
  EXPECT_THAT(result.outcomes, ElementsAre("second-rejected"));
}

TEST(MeetingCheckerTest, KnowsTheOutcomes) {
  TrialBuilder fifo = TwoTasks();
  Read(Read(Meet(fifo, "second-reader"), 2, 110, 1), 3, 120, 1);
  EXPECT_THAT(CheckReaders(fifo).outcomes, ElementsAre("fifo"));
  TrialBuilder steals = TwoTasks();
  Read(Read(Meet(steals, "second-reader"), 3, 110, 1), 2, 120, 1);
  EXPECT_THAT(CheckReaders(steals).outcomes, ElementsAre("second-steals"));
  TrialBuilder starves = TwoTasks();
  Read(Read(Meet(starves, "second-reader"), 3, 110, 1), 2, 120, -11);
  EXPECT_THAT(CheckReaders(starves).outcomes, ElementsAre("first-starves"));
}

TEST(MeetingCheckerTest, GivesWhatALoopReadToTheTaskThatRunsNext) {
  TrialBuilder trial = TwoTasks();
  Read(Meet(trial, "second-reader"), 0, 110, 1).Add(EventKind::kSwitch, 111, "", nullptr, 3);
  EXPECT_THAT(CheckReaders(trial).outcomes, ElementsAre("first-starves"));
}

TEST(MeetingCheckerTest, CountsTheBytesOfEach) {
  TrialBuilder trial = TwoTasks();
  const CheckResult result =
      CheckReaders(Read(Read(Meet(trial, "second-reader"), 2, 110, 4), 2, 120, 5));
  EXPECT_EQ(result.findings.at(0).evidence.at("first").at("bytes"), 9);
  EXPECT_EQ(result.findings.at(0).evidence.at("second").at("bytes"), 0);
}

TEST(MeetingCheckerTest, SaysThatAListenerIsSharedAndFailsOnlyWhenAsked) {
  TrialBuilder trial = TwoTasks();
  Meet(trial, "shared-listener");
  const CheckResult said = CheckReaders(trial);
  EXPECT_EQ(said.verdict, Verdict::kPass);
  EXPECT_EQ(said.findings.at(0).kind, "shared-listener");
  EXPECT_TRUE(said.findings.at(0).advisory);
  EXPECT_THAT(said.outcomes, ElementsAre("shared-listener"));
  EXPECT_EQ(CheckReaders(trial, {{"listeners", true}}).verdict, Verdict::kFail);
}

TEST(MeetingCheckerTest, ATokenInAPipeFailsOnTheAsyncioHubOnly) {
  const Json token = {{"kind", "pipe"}, {"one", true}, {"other", {{"one", true}}}};
  TrialBuilder trial = TwoTasks();
  const CheckResult said = CheckReaders(Meet(trial, "second-reader", token));
  EXPECT_EQ(said.verdict, Verdict::kPass);
  EXPECT_EQ(said.findings.at(0).kind, "shared-token");
  EXPECT_THAT(said.findings.at(0).message, HasSubstr("blocks the asyncio hub"));
  trial.Cell({{"id", "cell"}, {"scenario", "tests/example"}, {"runtime", "eventlet-asyncio"}});
  EXPECT_EQ(CheckReaders(trial).verdict, Verdict::kFail);
  TrialBuilder message = TwoTasks();
  const Json one_only = {{"kind", "pipe"}, {"one", true}};
  EXPECT_EQ(CheckReaders(Meet(message, "second-reader", one_only)).findings.at(0).kind,
            "multiple-readers");
}

// Two who take one byte met first; then somebody comes, or reads, for more, or for one as well.
TEST(MeetingCheckerTest, APipeIsNoTokenWhereAnybodyTakesMore) {
  const Json token = {{"kind", "pipe"}, {"one", true}, {"other", {{"one", true}}}};
  const auto kind_with = [&](EventKind kind, const std::string& action, const Json& value) {
    TrialBuilder trial = TwoTasks();
    Meet(trial, "second-reader", token).Add(kind, 110, action, value, 2, 55);
    return CheckReaders(trial).findings.at(0).kind;
  };
  const auto read = [&](int64_t bytes, bool one) {
    return kind_with(EventKind::kSocket, "read", {{"fd", 7}, {"bytes", bytes}, {"one", one}});
  };
  EXPECT_EQ(read(1, true), "shared-token");
  EXPECT_EQ(read(1, false), "multiple-readers");    // asked for more, and there was but one
  EXPECT_EQ(read(-11, false), "multiple-readers");  // asked for more, and there was none
  EXPECT_EQ(read(0, false), "shared-token");        // its end takes nothing
  const auto meets = [&](const Json& change) {
    Json value = MeetingJson(token);
    value.merge_patch(change);
    return kind_with(EventKind::kSocket, "second-reader", value);
  };
  EXPECT_EQ(meets(Json::object()), "shared-token");
  EXPECT_EQ(meets({{"one", false}}), "multiple-readers");
  // For how much is not known.
  EXPECT_EQ(meets({{"one", false}, {"how", "poll"}}), "shared-token");
  EXPECT_EQ(meets({{"one", false}, {"size", nullptr}}), "shared-token");
}

TEST(MeetingCheckerTest, APipeThatNobodyTakesFromIsOnlySaid) {
  TrialBuilder stop = TwoTasks();
  const CheckResult said = CheckReaders(Meet(stop, "second-reader", {{"kind", "pipe"}}));
  EXPECT_EQ(said.verdict, Verdict::kPass);
  EXPECT_TRUE(said.findings.at(0).advisory);
  EXPECT_EQ(CheckReaders(Read(stop, 2, 110, 0)).verdict, Verdict::kPass);  // its end
  EXPECT_EQ(CheckReaders(Read(stop, 2, 120, 1)).verdict, Verdict::kFail);
}

TEST(MeetingCheckerTest, NamesTheCureThatFits) {
  TrialBuilder copy = TwoTasks();
  EXPECT_THAT(
      CheckReaders(Meet(copy, "second-reader", {{"fd", 8}})).findings.at(0).evidence.at("cure"),
      HasSubstr("a duplicated descriptor is the same socket"));
  TrialBuilder fork = TwoTasks();
  const CheckResult result =
      CheckReaders(Meet(fork, "second-reader", {{"other", {{"process", 101}}}}));
  EXPECT_THAT(result.reason, HasSubstr("first of process 101"));
  EXPECT_THAT(result.findings.at(0).evidence.at("cure"),
              HasSubstr("close it in all processes but one"));
}

// The first one waits in another process, which gave no stack of it.
TrialBuilder MeetAcrossProcesses() {
  TrialBuilder trial = TwoTasks();
  Meet(trial, "second-reader",
       {{"other", {{"task", 0}, {"process", 101}, {"thread", 101}}}, {"other_stack", nullptr}});
  return trial;
}

TEST(MeetingCheckerTest, TellsWhereOneOfAnotherProcessWasWhenItCameBack) {
  TrialBuilder trial = MeetAcrossProcesses();
  const std::string before = CheckReaders(trial).findings.at(0).signature;
  trial.Add(EventKind::kSocket, 200, "read",
            {{"fd", 7}, {"bytes", 1}, {"name", "reader"}, {"stack", {"service.py:9 in wait"}}}, 0, 55);
  trial.SetProcess(101);
  const Finding finding = CheckReaders(trial).findings.at(0);
  EXPECT_THAT(finding.message, HasSubstr("for which reader of process 101 waits already"));
  EXPECT_THAT(finding.participants.at(0).stack, ElementsAre("service.py:9 in wait"));
  EXPECT_FALSE(finding.evidence.contains("no_stack"));
  EXPECT_EQ(finding.signature, before);
}

TEST(MeetingCheckerTest, SaysWhyOneOfAnotherProcessHasNoStack) {
  TrialBuilder trial = MeetAcrossProcesses();
  const Finding finding = CheckReaders(trial).findings.at(0);
  EXPECT_EQ(GetString(finding.evidence, "no_stack"),
            "of thread 101 no stack is known: it is of another process, and tells where it waited "
            "when it has come back from there");
}

TEST(MeetingCheckerTest, TakesMangledFramesApart) {
  TrialBuilder trial = TwoTasks();
  const Json mangled = {{"stack", {"workload.so in _ZN7trireme4ReadEv", "workload.so+0x12"}}};
  EXPECT_THAT(
      CheckReaders(Meet(trial, "second-reader", mangled)).findings.at(0).participants.at(1).stack,
      ElementsAre("workload.so in trireme::Read()", "workload.so+0x12"));
}

TEST(MeetingCheckerTest, CannotDecideWithoutTwoConcurrentTasks) {
  TrialBuilder trial;
  const CheckResult result = CheckReaders(trial);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_TRUE(result.not_exercised);
}

TEST(MeetingCheckerTest, SurvivesValuesOfAnyShape) {
  for (const Json& value :
       {Json(), Json(1), Json("text"), Json::array({1}), Json{{"other", 3}, {"stack", {1, {}}}},
        Json{{"other", {{"task", -1}, {"process", "x"}}}, {"fd", "y"}}}) {
    TrialBuilder trial = TwoTasks();
    trial.Add(EventKind::kSocket, 100, "second-reader", value, 3, 55);
    EXPECT_EQ(CheckReaders(trial).verdict, Verdict::kFail);
  }
}

}  // namespace
}  // namespace trireme
