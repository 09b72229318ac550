#include "harness/check/leak_checker.h"

#include <algorithm>

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

CheckResult Check(TrialBuilder& trial, const Json& allow = Json::array()) {
  return trial.Check(LeakChecker(), {{"allow", allow}});
}

Json Named(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push_back({{"name", name}});
  return list;
}

TEST(LeakCheckerTest, AcceptsATrialThatLeftNothing) {
  EXPECT_EQ(Check(TrialBuilder().Observe("x", 1)).verdict, Verdict::kPass);
}

TEST(LeakCheckerTest, RejectsATaskThatOutlivedTheWorkload) {
  const CheckResult result =
      Check(TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", Named({"poller"})));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "1 task outlived the workload: poller");
}

TEST(LeakCheckerTest, ReportsEachKindOnItsOwn) {
  const CheckResult result =
      Check(TrialBuilder()
                .Add(EventKind::kCensus, 1500, "threads", Named({"a", "b", "c", "d", "e"}))
                .Add(EventKind::kCensus, 1500, "descriptors", Named({"socket:[7]"})));
  ASSERT_EQ(result.findings.size(), 2U);
  EXPECT_EQ(result.findings[0].message, "1 descriptor outlived the workload: socket:[7]");
  EXPECT_EQ(result.findings[1].message, "5 threads outlived the workload: a, b, c, d and 1 more");
}

TEST(LeakCheckerTest, ShowsTheFirstOfManyAndSaysHowManyMoreThereAre) {
  const auto of = [](int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("task-" + std::to_string(i));
    return Check(TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", Named(names)))
        .findings.at(0);
  };
  const Finding many = of(894);
  EXPECT_EQ(many.participants.size(), 20U);
  EXPECT_EQ(many.evidence["entries"].size(), 20U);
  EXPECT_EQ(many.evidence["more"], 874);
  EXPECT_EQ(many.message,
            "894 tasks outlived the workload: task-0, task-1, task-2, task-3 and 890 more");
  const Finding all = of(20);
  EXPECT_EQ(all.participants.size(), 20U);
  EXPECT_FALSE(all.evidence.contains("more"));
  EXPECT_EQ(all.signature, many.signature);
}

TEST(LeakCheckerTest, IsTheSameFindingInWhateverOrderManyCome) {
  Json entries = Json::array();
  for (int i = 0; i < 25; ++i)
    entries.push_back({{"name", "task-" + std::to_string(i)},
                       {"stack", {i < 22 ? "workload.py:3 in often" : "workload.py:9 in rarely"}}});
  const auto found = [](const Json& leaked) {
    return Check(TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", leaked)).findings.at(0);
  };
  const Finding first = found(entries);
  std::reverse(entries.begin(), entries.end());
  EXPECT_EQ(found(entries).signature, first.signature);
  entries[0]["stack"] = {"workload.py:7 in elsewhere"};
  EXPECT_NE(found(entries).signature, first.signature);
}

TEST(LeakCheckerTest, SaysWhereADescriptorWasMade) {
  const auto made_in = [](const std::string& function) {
    const Json stack = {"workload.py:30 in main", "workload.py:3 in " + function,
                        "lib/python3.11/socket.py:232 in __init__"};
    return Check(TrialBuilder().Add(EventKind::kCensus, 1500, "descriptors",
                                    Json::array({{{"name", "socket"}, {"stack", stack}}})));
  };
  const CheckResult result = made_in("dial");
  EXPECT_EQ(result.reason,
            "1 descriptor outlived the workload: socket made at workload.py:3 in dial");
  EXPECT_NE(result.findings.at(0).signature, made_in("serve").findings.at(0).signature);
}

TEST(LeakCheckerTest, AllowsWhatTheScenarioAllows) {
  const auto poller = [] {
    return TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", Named({"poller-3"}));
  };
  TrialBuilder allowed = poller();
  EXPECT_EQ(Check(allowed, {"poller-*"}).verdict, Verdict::kPass);
  TrialBuilder other = poller();
  EXPECT_EQ(Check(other, {"poller"}).verdict, Verdict::kFail);
}

TEST(LeakCheckerTest, CountsAnOrphanOfTheRunnerOnce) {
  const Json orphan = {{"pid", 7}, {"command", "sleep 60"}};
  const CheckResult result =
      Check(TrialBuilder()
                .End()
                .Add(EventKind::kCensus, 1500, "processes", Json::array({orphan}))
                .Exit("exited", {{"orphans", Json::array({orphan})}}));
  EXPECT_EQ(result.reason, "1 process outlived the workload: sleep 60");
}

TEST(LeakCheckerTest, HasOneSignatureWhateverTheNumbers) {
  const auto sign = [](const std::vector<std::string>& names) {
    return Check(TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", Named(names)))
        .findings.at(0)
        .signature;
  };
  EXPECT_EQ(sign({"reader-1", "reader-2"}), sign({"reader-7"}));
  EXPECT_NE(sign({"reader-1"}), sign({"writer-1"}));
}

Json Unseen(const std::vector<std::string>& kinds, const std::string& reason) {
  Json list = Json::array();
  for (const std::string& kind : kinds) list.push_back({{"name", kind}, {"reason", reason}});
  return list;
}

TEST(LeakCheckerTest, CannotDecideWhatTheCensusDidNotSee) {
  const CheckResult result =
      Check(TrialBuilder()
                .Add(EventKind::kCensus, 1500, "unseen",
                     Unseen({"threads", "descriptors"}, "Too many open files"))
                .Add(EventKind::kCensus, 1600, "unseen", Unseen({"tasks"}, "busy")));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason,
            "the census could not look at descriptors, threads: Too many open files; tasks: busy");
}

TEST(LeakCheckerTest, CannotDecideWhatIsNoList) {
  const CheckResult result =
      Check(TrialBuilder().Add(EventKind::kCensus, 1500, "tasks", {{"name", "poller"}}));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, "the census could not look at tasks: no list was recorded");
}

TEST(LeakCheckerTest, RejectsWhatTheCensusSawBesideWhatItDidNot) {
  const CheckResult result =
      Check(TrialBuilder()
                .Add(EventKind::kCensus, 1500, "tasks", Named({"poller"}))
                .Add(EventKind::kCensus, 1500, "unseen", Unseen({"threads"}, "no")));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "1 task outlived the workload: poller");
}

TEST(LeakCheckerTest, CannotDecideWhenMainNeverEnded) {
  EXPECT_EQ(Check(TrialBuilder().Exit("timeout")).verdict, Verdict::kUnknown);
}

}  // namespace
}  // namespace trireme
