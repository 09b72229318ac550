#include "harness/check/fault_log.h"

#include <gtest/gtest.h>

#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

using enum FaultLogState;

FaultLog LogOf(FaultTrial trial) { return MakeFaultLog(trial.View()); }

FaultLogState Compare(FaultTrial here, FaultTrial there) {
  const FaultLog a = LogOf(std::move(here));
  const FaultLog b = LogOf(std::move(there));
  const FaultLogState state = CompareFaultLogs(a, b).state;
  EXPECT_EQ(state, CompareFaultLogs(b, a).state) << "it depends on which of them is the reference";
  return state;
}

TEST(FaultLogTest, IsEqualWhateverTheTimesAndTheOrder) {
  const FaultLog here =
      LogOf(FaultTrial().Open(1).Open(2).Fault("cut", 1, 10, 100).Fault("cut", 2, 4, 200));
  const FaultLog there =
      LogOf(FaultTrial().Open(2).Open(1).Fault("cut", 2, 4, 5).Fault("cut", 1, 10, 900));
  EXPECT_EQ(here.Text(),
            "1#0\tclient\tread\t10\tcut\t{\"short\":1}\n"
            "1#1\tclient\tread\t4\tcut\t{\"short\":1}\n");
  EXPECT_EQ(here.Sha256(), there.Sha256());
  EXPECT_EQ(CompareFaultLogs(here, there).state, kEqual);
}

TEST(FaultLogTest, DiffersByOneByteOfOneFault) {
  const FaultLog here = LogOf(FaultTrial().Open(1).Fault("cut", 1, 10).Closed(1, 100, 0));
  const FaultLog there = LogOf(FaultTrial().Open(1).Fault("cut", 1, 11).Closed(1, 100, 0));
  EXPECT_NE(here.Sha256(), there.Sha256());
  const FaultLogComparison comparison = CompareFaultLogs(here, there);
  EXPECT_EQ(comparison.state, kDifferent);
  EXPECT_EQ(comparison.where, "'cut' at byte 10 of client read of 1#0 is not there");
}

Json Placed(const std::string& member, const Json& value) {
  return Json::array({{{"name", "cut"},
                       {"do", {{"reset", true}}},
                       {"at", {{"call", {"recv"}}, {member, value}}}}});
}

// A trial in which task 1.1 waited at its points up to `last`, and was stopped at `struck`.
FaultTrial Stopped(const Json& task, int64_t struck, int64_t last) {
  FaultTrial trial;
  trial.Cell(FaultTrial::PlannedCellWith(Json::array({{{"name", "stop"}, {"task", task}}})));
  trial.Task(2, "1.1", "worker", 1);
  for (int64_t point = 1; point <= last; ++point)
    trial.Add(EventKind::kWait, 10 + point, "recv", nullptr, 2, static_cast<uint64_t>(point));
  if (struck > 0)
    trial.Add(EventKind::kFault, 100, "stop",
              {{"do", {{"cancel", true}}}, {"point", struck}, {"task", "1.1"}}, 2, 1);
  return trial;
}

TEST(FaultLogTest, ComparesWhichTasksWereStoppedWhere) {
  for (const Json& task : {Json{{"cancel", "*"}, {"point", 3}}, Json{{"cancel", "*"}},
                           Json{{"cancel", "*"}, {"sweep", "every-point"}}}) {
    EXPECT_EQ(LogOf(Stopped(task, 3, 3)).Text(), "task 1.1\t\tpoint\t3\tstop\t{\"cancel\":true}\n");
    EXPECT_EQ(Compare(Stopped(task, 3, 3), Stopped(task, 3, 2)), kEqual);
    EXPECT_EQ(Compare(Stopped(task, 3, 3), Stopped(task, 0, 2)), kNotReached);
    EXPECT_EQ(Compare(Stopped(task, 3, 3), Stopped(task, 0, 3)), kDiverged);
  }
}

TEST(FaultLogTest, DoesNotCompareWhichTasksWereStoppedAfterAWhile) {
  const Json task = {{"cancel", "*"}, {"after", 10}};
  EXPECT_TRUE(LogOf(Stopped(task, 3, 3)).faults.empty());
  EXPECT_EQ(Compare(Stopped(task, 3, 3), Stopped(task, 2, 3)), kEqual);
}

// Where calls begin each runtime decides; but of a sweep the run's plan names the byte.
TEST(FaultLogTest, ComparesWhatASweepDidByItsPoint) {
  const auto trial = [](const Json& plan, int64_t offset) {
    FaultTrial one;
    one.Cell(FaultTrial::PlannedCellWith(plan));
    one.Open(1).Fault("cut", 1, offset).Closed(1, 100, 0);
    return one;
  };
  const Json swept = Placed("sweep", "every-point");
  EXPECT_EQ(LogOf(trial(swept, 10)).faults.size(), 1u);
  EXPECT_EQ(Compare(trial(swept, 10), trial(swept, 10)), kEqual);
  EXPECT_EQ(Compare(trial(swept, 10), trial(swept, 11)), kDifferent);
  const Json each_call = Placed("limit", 3);
  EXPECT_EQ(LogOf(trial(each_call, 10)).faults.size(), 0u);
}

// A trial of a sweep strikes at one point, and so none of the plan's other faults.
TEST(FaultLogTest, MissesNoFaultOfASweep) {
  FaultTrial trial;
  trial.Cell(FaultTrial::PlannedCellWith(Placed("sweep", "every-point")));
  EXPECT_TRUE(LogOf(std::move(trial)).not_reached.empty());
  FaultTrial exact;
  exact.Cell(FaultTrial::PlannedCellWith(Placed("offset", 7)));
  EXPECT_EQ(LogOf(std::move(exact)).not_reached.size(), 1u);
}

TEST(FaultLogTest, DiffersByWhatAFaultDid) {
  EXPECT_EQ(
      Compare(FaultTrial().Open(1).Fault("cut", 1, 10, 100, 1, {{"short", 1}}).Closed(1, 100, 0),
              FaultTrial().Open(1).Fault("cut", 1, 10, 100, 1, {{"short", 2}}).Closed(1, 100, 0)),
      kDifferent);
}

// Eventlet's sockets never wait, threads' do: only the first is told.
TEST(FaultLogTest, DivergesWhereOnlyOneWasToldToTryAgain) {
  const auto trial = [](const std::string& error) {
    FaultTrial one;
    one.Open(1).Closed(1, 100, 0).Fault("late", 1, 12, 50, 1, {{"error", error}});
    return one;
  };
  FaultTrial waits;
  waits.Open(1).Closed(1, 100, 0);
  EXPECT_EQ(Compare(trial("EAGAIN"), trial("EAGAIN")), kEqual);
  EXPECT_EQ(Compare(trial("EAGAIN"), waits), kDiverged);
  EXPECT_EQ(Compare(waits, trial("EAGAIN")), kDiverged);
  EXPECT_EQ(Compare(trial("EINTR"), waits), kDifferent);
}

TEST(FaultLogTest, DivergesWhereAStreamEndedSooner) {
  const FaultTrial longer =
      FaultTrial().Open(1).Fault("cut", 1, 10).Fault("cut", 1, 50).Closed(1, 60, 0);
  EXPECT_EQ(Compare(longer, FaultTrial().Open(1).Fault("cut", 1, 10).Closed(1, 50, 0)), kDiverged);
  // One more byte, and it would have come to that fault.
  EXPECT_EQ(Compare(longer, FaultTrial().Open(1).Fault("cut", 1, 10).Closed(1, 51, 0)), kDifferent);
}

TEST(FaultLogTest, DivergesFromTheFirstByteThatDiffers) {
  const auto trial = [](std::string_view bytes, int64_t offset) {
    return FaultTrial()
        .Open(1)
        .Wire(1, "client read", bytes)
        .Fault("cut", 1, offset)
        .Closed(1, 6, 0);
  };
  EXPECT_EQ(Compare(trial("abcdef", 3), trial("abcDef", 4)), kDiverged);
  EXPECT_EQ(Compare(trial("abcdef", 2), trial("abcDef", 4)), kDifferent);
}

TEST(FaultLogTest, DivergesWhereAConnectionIsMissing) {
  EXPECT_EQ(Compare(FaultTrial().Open(1).Open(2).Fault("cut", 2, 0).Closed(2, 5, 0),
                    FaultTrial().Open(1)),
            kDiverged);
}

TEST(FaultLogTest, DivergesWhereAConnectionIsOfAnotherKind) {
  const auto trial = [](const std::string& kind, int64_t offset) {
    return FaultTrial().Open(1, "client", 1, kind).Fault("cut", 1, offset).Closed(1, 100, 0);
  };
  EXPECT_EQ(Compare(trial("tcp", 60), trial("datagram", 0)), kDiverged);
  EXPECT_EQ(Compare(trial("tcp", 60), trial("tcp", 0)), kDifferent);
  EXPECT_EQ(CompareFaultLogs(LogOf(trial("tcp", 60)), LogOf(trial("datagram", 0))).where,
            "connection 1#0 is of kind datagram, not tcp, there");
}

TEST(FaultLogTest, LeavesOutAnExactOffsetThatOneOfThemNeverReached) {
  const Json plan = FaultTrial::PlannedCellWith(Json::array({FaultTrial::Exact("cut", 50)}));
  FaultTrial longer = FaultTrial().Open(1).Fault("cut", 1, 50).Closed(1, 60, 0);
  FaultTrial shorter = FaultTrial().Open(1).Closed(1, 40, 0);
  longer.Cell(plan);
  shorter.Cell(plan);
  EXPECT_EQ(LogOf(longer).not_reached, std::set<std::string>());
  EXPECT_EQ(LogOf(shorter).not_reached, std::set<std::string>{"cut"});
  EXPECT_EQ(Compare(longer, shorter), kNotReached);
}

TEST(FaultLogTest, LeavesOutWhatOnlyAReadAtTheEndMeets) {
  EXPECT_EQ(Compare(FaultTrial().Open(1).Fault("cut", 1, 40).Closed(1, 40, 0),
                    FaultTrial().Open(1).Closed(1, 40, 0)),
            kNotReached);
}

TEST(FaultLogTest, ComparesConnectsByTheirNumber) {
  const auto trial = [](int64_t offset) {
    FaultTrial one;
    one.Open(1).Add(EventKind::kFault, 5, "refuse",
                    {{"do", {{"error", "ECONNREFUSED"}}},
                     {"call", "connect"},
                     {"side", "client"},
                     {"connection", "1#0"},
                     {"offset", offset}},
                    1, 1);
    return one;
  };
  EXPECT_EQ(Compare(trial(0), trial(0)), kEqual);
  EXPECT_EQ(Compare(trial(0), trial(1)), kDifferent);
}

TEST(FaultLogTest, ComparesAcceptsByTheirListenerWhoeverCalls) {
  const auto trial = [](const std::string& caller, int64_t offset) {
    FaultTrial one;
    one.Open(1).Add(EventKind::kFault, 5, "no-descriptor",
                    {{"do", {{"error", "EMFILE"}}},
                     {"call", "accept"},
                     {"side", "server"},
                     {"connection", caller},
                     {"offset", offset}},
                    1, 1);
    return one;
  };
  EXPECT_EQ(Compare(trial("1.1", 5), trial("-", 5)), kEqual);
  EXPECT_EQ(Compare(trial("1.1", 5), trial("-", 6)), kDiverged);
  EXPECT_EQ(Compare(trial("1.1", 5), FaultTrial().Open(1)), kDiverged);
  // A connection that was accepted has an identity, and what is done to it has that, too.
  EXPECT_EQ(Compare(trial("1#0", 0), trial("1#0", 1)), kDifferent);
}

// Of a plan with that network fault, what the proxy did at a byte of the answers, of which the client read so many.
FaultTrial Passed(const Json& network, int64_t offset, int64_t read, const Json& what) {
  FaultTrial trial;
  trial.Cell(
      FaultTrial::PlannedCellWith(Json::array({{{"name", "link"}, {"network", network}}})));
  trial.Open(1).Closed(1, read, 0);
  if (offset < 0) return trial;
  trial.Add(
      EventKind::kFault, 60, "link",
      {{"do", what}, {"connection", "1#0"}, {"direction", "down"}, {"offset", offset}}, 0, 1);
  return trial;
}

TEST(FaultLogTest, ComparesWhatTheProxyDid) {
  const auto cut = [](int64_t offset, int64_t read) {
    return Passed({{"cut", 70}}, offset, read, {{"close", "rst"}});
  };
  EXPECT_EQ(LogOf(cut(70, 70)).Text(), "1#0\tclient\tread\t70\tlink\t{\"close\":\"rst\"}\n");
  EXPECT_EQ(Compare(cut(70, 70), cut(70, 64)), kEqual);
  EXPECT_EQ(Compare(cut(70, 70), cut(-1, 71)), kDifferent);
  // As the trial ended: whether the proxy had passed all on nobody knows.
  EXPECT_EQ(Compare(cut(70, 70), cut(-1, 70)), kNotReached);
  EXPECT_EQ(LogOf(cut(-1, 70)).not_reached, std::set<std::string>{"link"});
}

TEST(FaultLogTest, ComparesHowTheProxyShapedALink) {
  const auto late = [](int64_t offset, int64_t read) {
    return Passed({{"latency", 5}}, offset, read, {{"latency", 5e-9}});
  };
  EXPECT_EQ(Compare(late(0, 10), late(0, 12)), kEqual);
  EXPECT_EQ(Compare(late(0, 10), late(-1, 12)), kDifferent);
  EXPECT_EQ(Compare(late(0, 10), late(-1, 0)), kDiverged);
}

TEST(FaultLogTest, LeavesOutWhatTheProxyDidByTime) {
  for (const char* when : {"after", "for"})
    EXPECT_EQ(LogOf(Passed({{"latency", 5}, {when, 5}}, 3, 10, {{"latency", 5e-9}})).Text(), "");
}

TEST(FaultLogTest, LeavesOutWhatIsPlacedByTimesOrCalls) {
  FaultTrial trial;
  trial.Cell(FaultTrial::PlannedCellWith(
      Json::array({{{"name", "slow"}, {"do", {{"delay", 1}}}, {"at", {{"call", {"recv"}}}}}})));
  trial.Open(1).Fault("slow", 1, 10, 100, 1, {{"delay", 0.1}}).Signal("STOP", 50, false, 2);
  trial.Add(EventKind::kFault, 60, "poll",
            {{"do", {{"spurious", true}}}, {"call", "epoll_wait"}, {"offset", 3}}, 1, 3);
  const FaultLog log = LogOf(trial);
  EXPECT_EQ(log.Text(), "");
  EXPECT_EQ(log.applied, (std::map<std::string, int64_t>{{"pause", 1}, {"poll", 1}, {"slow", 1}}));
}

}  // namespace
}  // namespace trireme
