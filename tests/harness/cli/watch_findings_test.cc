#include "harness/cli/watch_findings.h"

#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

// Two readers of one stream, of which the first is of another process.
TrialBuilder Meeting() {
  TrialBuilder trial(TrialBuilder::Empty{});
  trial.Task(1, "1", "main", 0);
  return trial.Add(EventKind::kSocket, 100, "second-reader",
                   {{"kind", "stream"},
                    {"fd", 7},
                    {"how", "read"},
                    {"size", 10},
                    {"local", "127.0.0.1:1"},
                    {"peer", "127.0.0.1:2"},
                    {"other", {{"task", 0}, {"process", 101}, {"thread", 101}, {"fd", 7}}},
                    {"stack", {"app.py:3 in read"}},
                    {"other_stack", nullptr}},
                   1, 55);
}

// Where it was is known when it comes back.
TrialBuilder ComesBack(TrialBuilder trial) {
  trial.Add(EventKind::kSocket, 200, "read",
            {{"fd", 7}, {"bytes", 1}, {"name", "reader"}, {"stack", {"service.py:9 in wait"}}}, 0,
            55);
  trial.SetProcess(101);
  return trial;
}

class WatchFindingsTest : public testing::Test {
 protected:
  void Record(const TrialBuilder& trial) const {
    ASSERT_TRUE(WriteFile(recording_, trial.Bytes()).ok());
  }
  // Of readers, with a suppression for each frame.
  WatchFindings Watch(const std::string& frame, const std::string& other_frame = "") const {
    Suppressions suppressions;
    const std::string path = JoinPath(folder_.path(), "known.yaml");
    std::string entries;
    for (const std::string& each : {frame, other_frame})
      if (!each.empty())
        entries += "- {kind: multiple-readers, frames: ['" + each + "'], reason: on purpose}\n";
    EXPECT_TRUE(WriteFile(path, entries).ok());
    EXPECT_TRUE(suppressions.Add(path, "2026-06-15", /*shipped=*/false).ok());
    return WatchFindings(
        recording_,
        {{"scenario", "watch"},
         {"checks", {{{"name", "multiple-readers"}, {"arguments", Json::object()}}}}},
        suppressions);
  }

  TemporaryDirectory folder_;
  const std::string recording_ = JoinPath(folder_.path(), "history.ring");
};

TEST_F(WatchFindingsTest, TakesBackWhatIsSuppressedByAStackThatIsKnownLater) {
  WatchFindings findings = Watch("service.py:*");
  Record(Meeting());
  EXPECT_EQ(findings.Look().size(), 1U);
  EXPECT_EQ(findings.count(), 1);
  Record(ComesBack(Meeting()));
  EXPECT_TRUE(findings.Look(/*last=*/true).empty());
  EXPECT_EQ(findings.count(), 0);
  EXPECT_EQ(findings.suppressions().suppressed(), 1);
  EXPECT_TRUE(findings.Look(/*last=*/true).empty());
  EXPECT_EQ(findings.suppressions().suppressed(), 1) << "once, however often it is looked";
}

// The same bug at two objects, by its signature, where each entry matches at one of them.
TEST_F(WatchFindingsTest, UsesWhatMatchesAtAnotherObjectOnly) {
  TrialBuilder trial = Meeting();
  trial.Add(EventKind::kSocket, 110, "second-reader",
            {{"kind", "stream"},
             {"fd", 8},
             {"how", "read"},
             {"other", {{"task", 0}, {"process", 101}, {"thread", 101}, {"fd", 8}}},
             {"stack", {"app.py:30 in read"}},
             {"other_stack", nullptr}},
            1, 56);
  Record(trial);
  WatchFindings findings = Watch("app.py:3 *", "app.py:30 *");
  EXPECT_TRUE(findings.Look().empty());
  EXPECT_EQ(findings.suppressions().suppressed(), 1);
  EXPECT_TRUE(findings.suppressions().Unused().empty());
  WatchFindings others = Watch("app.py:3*", "app.py:31 *");
  EXPECT_TRUE(others.Look().empty());
  EXPECT_EQ(others.suppressions().Unused().size(), 1u);
}

TEST_F(WatchFindingsTest, KeepsWhatNoStackSuppresses) {
  WatchFindings findings = Watch("other.py:*");
  Record(Meeting());
  EXPECT_EQ(findings.Look().size(), 1U);
  Record(ComesBack(Meeting()));
  EXPECT_TRUE(findings.Look(/*last=*/true).empty()) << "told already";
  EXPECT_EQ(findings.count(), 1);
  EXPECT_EQ(findings.suppressions().suppressed(), 0);
}

}  // namespace
}  // namespace trireme
