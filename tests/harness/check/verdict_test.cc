#include "harness/check/verdict.h"

#include <gtest/gtest.h>

#include "harness/check/checker.h"
#include "harness/check/suppression.h"

namespace trireme {
namespace {

Participant At(std::vector<std::string> stack) {
  return {.task = "reader-1", .thread = 4711, .stack = std::move(stack)};
}

std::string Sign(const std::vector<Participant>& participants) {
  return Signature("hang", "queue-get", participants);
}

TEST(ParticipantTest, IsNamedByItsTaskElseByItsThread) {
  EXPECT_EQ(NameOf(Participant{.task = "reader", .thread = 7, .stack = {}}), "reader");
  EXPECT_EQ(NameOf(Participant{.task = "", .thread = 7, .stack = {}}), "thread 7");
}

TEST(VerdictTest, HeaviestStands) {
  EXPECT_EQ(Heavier(Verdict::kPass, Verdict::kUnknown), Verdict::kUnknown);
  EXPECT_EQ(Heavier(Verdict::kFail, Verdict::kUnknown), Verdict::kFail);
  EXPECT_EQ(VerdictName(Verdict::kUnknown), "unknown");
}

TEST(SignatureTest, SurvivesShiftedLinesAndOtherFolders) {
  EXPECT_EQ(Sign({At({"/home/a/workload.py:12 in reader"})}),
            Sign({At({"/srv/b/workload.py:57 in reader"})}));
}

TEST(SignatureTest, DiffersByFunction) {
  EXPECT_NE(Sign({At({"workload.py:12 in reader"})}), Sign({At({"workload.py:12 in writer"})}));
}

TEST(SignatureTest, DiffersByKindAndSubject) {
  EXPECT_NE(Signature("hang", "a", {}), Signature("leak", "a", {}));
  EXPECT_NE(Signature("hang", "a", {}), Signature("hang", "b", {}));
}

TEST(SignatureTest, LeavesOutWhatTheRuntimeAdds) {
  const std::string plain = Sign({At({"workload.py:12 in reader"})});
  EXPECT_EQ(Sign({At({"/usr/lib/python3.11/threading.py:1002 in _bootstrap",
                      "workload.py:12 in reader"})}),
            plain);
  EXPECT_EQ(Sign({At({"workload.py:12 in reader",
                      "/v/lib/python3.13/site-packages/eventlet/hubs/hub.py:310 in switch"})}),
            plain);
  EXPECT_EQ(Sign({At({"workload.py:12 in reader", "/t/trireme_agent/runtimes/asyncio.py:3 in recv",
                      "/usr/lib/python3.11/asyncio/base_events.py:1 in run"})}),
            plain);
}

TEST(SignatureTest, TakesTheThreeInnermostFrames) {
  EXPECT_EQ(Sign({At({"a.py:1 in outer", "a.py:2 in f", "a.py:3 in g", "a.py:4 in h"})}),
            Sign({At({"a.py:9 in other", "a.py:2 in f", "a.py:3 in g", "a.py:4 in h"})}));
  EXPECT_NE(Sign({At({"a.py:2 in f", "a.py:3 in g", "a.py:4 in h"})}),
            Sign({At({"a.py:2 in other", "a.py:3 in g", "a.py:4 in h"})}));
}

TEST(SignatureTest, IsOfASetOfParticipants) {
  const Participant reader = At({"workload.py:1 in reader"});
  const Participant writer = At({"workload.py:2 in writer"});
  EXPECT_EQ(Sign({reader, writer}), Sign({writer, reader, reader}));
  EXPECT_NE(Sign({reader, writer}), Sign({reader}));
}

TEST(SignatureTest, LeavesOutNamesAndThreads) {
  Participant other = At({"workload.py:12 in reader"});
  other.task = "reader-2";
  other.thread = 1;
  EXPECT_EQ(Sign({other}), Sign({At({"workload.py:12 in reader"})}));
}

TEST(SignatureTest, NamesCppFunctionsWithoutTheirParameters) {
  EXPECT_EQ(Sign({At({"/src/workload.cc:40 in Echo(trireme::Listener) [clone .resume]"})}),
            Sign({At({"workload.cc:41 in Echo"})}));
}

// A signature is compared between versions of Trireme: this one must never change.
TEST(SignatureTest, IsPinned) {
  EXPECT_EQ(Sign({At({"workload.py:12 in reader"})}), "d5a4f1f387afd247");
}

Finding Known(const std::string& kind, const std::string& frame, bool advisory = false) {
  Finding finding;
  finding.kind = kind;
  finding.advisory = advisory;
  finding.participants = {{.task = "task", .thread = 1, .stack = {frame}}};
  return finding;
}

TEST(SuppressionTest, LetsAResultPassThatFailedForWhatIsKnownAlone) {
  const Json known =
      Json::array({{{"kind", "multiple-readers"}, {"frames", Json::array({"*pool.py:* in get"})}}});
  CheckResult result = Failed(Known("multiple-readers", "lib/pool.py:3 in get"));
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kPass);
  EXPECT_EQ(WithoutSuppressed(result, Json()).verdict, Verdict::kFail);
  result.findings.push_back(Known("multiple-readers", "lib/other.py:3 in get"));
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kFail);
  EXPECT_EQ(WithoutSuppressed(result, known).findings.size(), 1U);
  result.findings.at(1).advisory = true;
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kPass);
}

TEST(SuppressionTest, NeedsFrames) {
  const Finding finding = Known("hang", "a.py:1 in f");
  EXPECT_FALSE(IsSuppressedBy({{"kind", "hang"}}, finding));
  EXPECT_FALSE(IsSuppressedBy(Json(3), finding));
  EXPECT_TRUE(IsSuppressedBy({{"kind", "hang"}, {"frames", Json::array({"a.py:*"})}}, finding));
}

}  // namespace
}  // namespace trireme
