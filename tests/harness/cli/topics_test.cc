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

TEST(TopicsTest, SayNothingOfKindsThatNoCheckReports) {
  const std::vector<std::string> kinds = FindingKinds();
  for (const Topic& topic : FindingKindTopics())
    EXPECT_NE(std::find(kinds.begin(), kinds.end(), topic.name), kinds.end()) << topic.name;
}

TEST(TopicsTest, HaveNoFullStopInOneLiners) {
  for (const Topic& topic : Glossary()) EXPECT_FALSE(topic.text.ends_with('.')) << topic.name;
}

}  // namespace
}  // namespace trireme
