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

Suppression KnownAs(const std::string& kind, const std::vector<std::string>& frames) {
  return {.kind = kind, .frames = frames, .reason = "a test", .place = "known.yaml:1"};
}

TEST(SuppressionTest, LetsAResultPassThatFailedForWhatIsKnownAlone) {
  const std::vector<Suppression> known = {KnownAs("multiple-readers", {"*pool.py:* in get"})};
  CheckResult result = Failed(Known("multiple-readers", "lib/pool.py:3 in get"));
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kPass);
  EXPECT_EQ(WithoutSuppressed(result, known).suppressed.at(0).place, "known.yaml:1");
  EXPECT_EQ(WithoutSuppressed(result, {}).verdict, Verdict::kFail);
  result.findings.push_back(Known("multiple-readers", "lib/other.py:3 in get"));
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kFail);
  EXPECT_EQ(WithoutSuppressed(result, known).findings.size(), 1U);
  result.findings.at(1).advisory = true;
  EXPECT_EQ(WithoutSuppressed(result, known).verdict, Verdict::kPass);
}

TEST(SuppressionTest, LeavesAFailureWithoutFindingsAlone) {
  CheckResult result;
  result.verdict = Verdict::kFail;
  EXPECT_EQ(WithoutSuppressed(result, {KnownAs("leak", {"*"})}).verdict, Verdict::kFail);
}

TEST(SuppressionTest, NeedsFrames) {
  const Finding finding = Known("leak", "a.py:1 in f");
  EXPECT_FALSE(KnownAs("leak", {}).Matches(finding));
  EXPECT_FALSE(Suppression::FromJson(3).Matches(finding));
  EXPECT_TRUE(KnownAs("leak", {"a.py:*"}).Matches(finding));
}

TEST(SuppressionTest, MatchesNothingOnceItsTimeIsOver) {
  Suppression known = KnownAs("leak", {"*"});
  known.expires = "2026-06-15";
  known.expired = true;
  EXPECT_FALSE(known.Matches(Known("leak", "a.py:1 in f")));
  EXPECT_EQ(known.Useless(), "known.yaml:1: a test: expired on 2026-06-15");
}

TEST(SuppressionTest, IsTheSameFromJson) {
  Suppression known = KnownAs("leak", {"a", "b"});
  known.expires = "2026-06-15";
  known.expired = known.shipped = true;
  known.count = 3;
  EXPECT_EQ(Suppression::FromJson(known.ToJson()).ToJson(), known.ToJson());
}

}  // namespace
}  // namespace trireme
