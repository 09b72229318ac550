#include "harness/cli/topics.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/check/checker.h"

namespace trireme {
namespace {

bool IsExplained(const std::string& name) {
  const std::span<const Topic> topics = FindingKindTopics();
  return std::any_of(topics.begin(), topics.end(),
                     [&](const Topic& topic) { return topic.name == name; });
}

TEST(TopicsTest, ExplainEveryKindOfFinding) {
  for (const std::string& kind : FindingKinds()) EXPECT_TRUE(IsExplained(kind)) << kind;
}

std::string TextOf(const std::string& name) {
  for (const Topic& topic : AllTopics())
    if (topic.name == name) return topic.text;
  return "";
}

TEST(TopicsTest, SayOfAKindThatNoCheckReportsThatItsCheckIsNotAvailableYet) {
  const std::vector<std::string> kinds = FindingKinds();
  for (const Topic& topic : FindingKindTopics()) {
    const bool reported = std::find(kinds.begin(), kinds.end(), topic.name) != kinds.end();
    EXPECT_EQ(TextOf(topic.name).ends_with("is not available yet."), !reported) << topic.name;
  }
}

TEST(TopicsTest, ExplainTheKindsOfThePublishedFormat) {
  for (const std::string kind : {"difference",
                                 "multiple-readers",
                                 "multiple-writers",
                                 "blocked-loop",
                                 "hang",
                                 "crash",
                                 "leak",
                                 "unhandled-exception",
                                 "lost-update",
                                 "not-linearizable",
                                 "lock-order",
                                 "deadlock",
                                 "overlap",
                                 "starvation",
                                 "deadline",
                                 "data-race",
                                 "slower",
                                 "gil-enabled",
                                 "unbounded-growth",
                                 "hub-spin",
                                 "effect",
                                 "invariant",
                                 "mixed-arm",
                                 "nondeterministic",
                                 "shared-token",
                                 "shared-listener",
                                 "potential"})
    EXPECT_TRUE(IsExplained(kind)) << kind;
}

TEST(TopicsTest, NameWhatComesLater) {
  EXPECT_EQ(TextOf("linearizable"), "not available yet");
  EXPECT_EQ(TextOf("awaitlet"), "not available yet");
}

TEST(TopicsTest, HaveNoFullStopInOneLiners) {
  for (const Topic& topic : Glossary()) EXPECT_FALSE(topic.text.ends_with('.')) << topic.name;
}

}  // namespace
}  // namespace trireme
