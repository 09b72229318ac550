#include "harness/scenario/discovery.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::TestVocabulary;

// A scenario path with patterns/client, patterns/server and planted/lost-update, and a scenario
// outside it.
class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest() {
    for (const char* name :
         {"path/patterns/client", "path/patterns/server", "path/planted/lost-update", "own/mine"})
      Add(name);
  }

  void Add(const std::string& name, const std::string& summary = "s") {
    ASSERT_TRUE(MakeDirectories(At(name)).ok());
    ASSERT_TRUE(WriteFile(At(name) + "/workload.py", "").ok());
    ASSERT_TRUE(WriteFile(At(name) + "/scenario.yaml",
                          "version: 1\nsummary: " + summary + "\nworkload: {python: workload.py}\n")
                    .ok());
  }

  std::string At(const std::string& name) const { return JoinPath(folder_.path(), name); }

  // name=argument of each, this folder's path left out; or the error.
  std::string Find(const std::vector<std::string>& arguments) const {
    const auto found = FindScenarios(arguments, {At("path")});
    if (!found.ok()) return Without(found.error().Render());
    std::vector<std::string> lines;
    for (const ScenarioFile& file : *found)
      lines.push_back(file.name + "=" + Without(file.argument));
    return Join(lines);
  }

  std::string Without(std::string text) const {
    for (size_t at = text.find(folder_.path()); at != std::string::npos;
         at = text.find(folder_.path()))
      text.erase(at, folder_.path().size() + 1);
    return text;
  }

  static std::string Join(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }

  TemporaryDirectory folder_;
};

TEST_F(DiscoveryTest, ListsAllWithoutArguments) {
  EXPECT_EQ(Find({}),
            "patterns/client=patterns/client\n"
            "patterns/server=patterns/server\n"
            "planted/lost-update=planted/lost-update\n");
}

TEST_F(DiscoveryTest, FindsAName) {
  EXPECT_EQ(Find({"patterns/server"}), "patterns/server=patterns/server\n");
}

TEST_F(DiscoveryTest, FindsAFolderOfNames) {
  EXPECT_EQ(Find({"patterns"}),
            "patterns/client=patterns/client\npatterns/server=patterns/server\n");
}

TEST_F(DiscoveryTest, FindsAGlobOverNames) {
  EXPECT_EQ(Find({"*lost*"}), "planted/lost-update=planted/lost-update\n");
}

TEST_F(DiscoveryTest, GivesAPathBelowTheScenarioPathItsName) {
  EXPECT_EQ(Find({At("path/patterns/client")}), "patterns/client=patterns/client\n");
  EXPECT_EQ(Find({At("path/patterns/client/scenario.yaml")}), "patterns/client=patterns/client\n");
}

TEST_F(DiscoveryTest, NamesAPathOutsideByItsFolder) {
  EXPECT_EQ(Find({At("own/mine")}), "mine=own/mine\n");
  EXPECT_EQ(Find({At("own/mine/scenario.yaml")}), "mine=own/mine\n");
}

TEST_F(DiscoveryTest, FindsAFolderOfScenarios) {
  EXPECT_EQ(Find({At("own") + "/"}), "mine=own/mine\n");
}

TEST_F(DiscoveryTest, NamesEachOnce) {
  EXPECT_EQ(Find({"patterns/client", At("path/patterns"), "patterns/*"}),
            "patterns/client=patterns/client\npatterns/server=patterns/server\n");
}

TEST_F(DiscoveryTest, RejectsTwoOfOneName) {
  Add("other/mine");
  EXPECT_EQ(
      Find({At("own/mine"), At("other/mine")}),
      "error: two scenarios are named 'mine': own/mine/scenario.yaml and other/mine/scenario.yaml\n"
      "hint: name the folder that holds both with --scenario-path\n");
}

TEST_F(DiscoveryTest, SuggestsANameNearby) {
  EXPECT_EQ(Find({"patterns/cleint"}),
            "error: no scenario matches 'patterns/cleint'\n"
            "hint: did you mean 'patterns/client'?\n");
}

TEST_F(DiscoveryTest, SaysThatAFolderHoldsNone) {
  ASSERT_TRUE(MakeDirectories(At("empty")).ok());
  EXPECT_EQ(Find({At("empty")}),
            "error: no scenario.yaml below 'empty'\n"
            "hint: 'trireme list scenarios' prints their names\n");
}

TEST_F(DiscoveryTest, CallsNothingFoundNothing) {
  EXPECT_EQ(FindScenarios({"nothing"}, {At("path")}).error().kind, ErrorKind::kNothing);
}

TEST_F(DiscoveryTest, LetsTheFirstPathShadowTheSecond) {
  Add("second/patterns/client");
  const auto found = FindScenarios({"patterns/client"}, {At("path"), At("second")});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(Without(found->at(0).file), "path/patterns/client/scenario.yaml");
}

TEST_F(DiscoveryTest, EndsInALoopOfLinks) {
  std::filesystem::create_directory_symlink(At("path"), At("path/patterns/loop"));
  EXPECT_EQ(Find({"patterns"}),
            "patterns/client=patterns/client\npatterns/server=patterns/server\n");
}

TEST_F(DiscoveryTest, LoadsWhatItFound) {
  const auto scenarios =
      LoadScenarios(*FindScenarios({At("own/mine")}, {At("path")}), TestVocabulary());
  ASSERT_TRUE(scenarios.ok());
  EXPECT_EQ(scenarios->at(0).name, "mine");
  EXPECT_EQ(Without(scenarios->at(0).argument), "own/mine");
}

TEST_F(DiscoveryTest, SaysWhichFileIsWrong) {
  Add("own/mine", "[]");
  const auto scenarios =
      LoadScenarios(*FindScenarios({At("own/mine")}, {At("path")}), TestVocabulary());
  ASSERT_FALSE(scenarios.ok());
  EXPECT_EQ(Without(scenarios.error().Render()),
            "own/mine/scenario.yaml:2:10: error: 'summary' must be text, not a list\n"
            "summary: []\n"
            "         ^\n");
}

}  // namespace
}  // namespace trireme
