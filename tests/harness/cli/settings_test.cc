#include "harness/cli/settings.h"

#include <gtest/gtest.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

std::string ErrorOf(const std::string& text) {
  const Result<Settings> settings = ParseSettings(text, "trireme.yaml");
  return settings.ok() ? "" : settings.error().Render();
}

TEST(SettingsTest, ReadsEveryKey) {
  const Result<Settings> settings = ParseSettings(R"(version: 1
python: {mine: venv/bin/python}
runtimes: [eventlet, threading]
interpreters: ["3.11", mine]
trials: 5
jobs: 2
timeout: 20s
budget: 10m
profile: ci
profiles:
  ci: {trials: 3, runtimes: [threading]}
)",
                                                  "/repo/trireme.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().Render();
  EXPECT_EQ(settings->pythons, std::vector<std::string>{"mine=/repo/venv/bin/python"});
  EXPECT_EQ(settings->run.runtimes, (std::vector<std::string>{"eventlet", "threading"}));
  EXPECT_EQ(settings->run.interpreters, (std::vector<std::string>{"3.11", "mine"}));
  EXPECT_EQ(settings->run.trials, 5);
  EXPECT_EQ(settings->run.jobs, 2);
  EXPECT_EQ(settings->run.timeout, 20'000'000'000);
  EXPECT_EQ(settings->run.budget, 600'000'000'000);
  EXPECT_EQ(settings->profile, "ci");
  EXPECT_EQ(settings->profiles.at("ci").trials, 3);
  EXPECT_FALSE(settings->profiles.at("ci").jobs.has_value());
}

TEST(SettingsTest, TakesAnEmptyFile) { EXPECT_EQ(ErrorOf("# nothing yet\n"), ""); }

TEST(SettingsTest, FindsSuppressionsBesideItself) {
  const TemporaryDirectory folder;
  const std::string file = JoinPath(RealPath(folder.path()), "known.yaml");
  ASSERT_TRUE(WriteFile(file, "[]").ok());
  const std::string path = JoinPath(folder.path(), "trireme.yaml");
  const Result<Settings> settings = ParseSettings("suppressions: [known.yaml]\n", path);
  ASSERT_TRUE(settings.ok()) << settings.error().Render();
  EXPECT_EQ(settings->suppressions, std::vector<std::string>{file});
  EXPECT_EQ(ErrorOf("suppressions: [gone.yaml]\n"),
            "trireme.yaml:1:16: error: there is no file 'gone.yaml'\n"
            "suppressions: [gone.yaml]\n"
            "               ^~~~~~~~~\n");
}

TEST(SettingsTest, RejectsAnUnknownProfile) {
  EXPECT_EQ(ErrorOf("profiles: {nigthly: {trials: 3}}\n"),
            "trireme.yaml:1:12: error: unknown key 'nigthly' of 'profiles'\n"
            "profiles: {nigthly: {trials: 3}}\n"
            "           ^~~~~~~\n"
            "hint: did you mean 'nightly'?\n");
}

TEST(SettingsTest, RejectsANewerVersion) {
  EXPECT_EQ(ErrorOf("version: 2\n"),
            "trireme.yaml:1:10: error: version 2 is newer than this Trireme knows (1)\n"
            "version: 2\n"
            "         ^\n"
            "hint: update Trireme, or write the file for version 1\n");
}

TEST(SettingsTest, RejectsAFolderThatIsNotThere) {
  EXPECT_EQ(ErrorOf("scenario-paths: [nowhere-at-all]\n"),
            "trireme.yaml:1:18: error: there is no folder 'nowhere-at-all'\n"
            "scenario-paths: [nowhere-at-all]\n"
            "                 ^~~~~~~~~~~~~~\n");
}

TEST(SettingsTest, NamesWhatComesLater) {
  EXPECT_NE(ErrorOf("presets: {}\n").find("error: 'presets' is not available yet\n"),
            std::string::npos);
}

TEST(FindSettingsTest, LooksUpToTheRootOfTheRepository) {
  const TemporaryDirectory folder;
  const std::string below = folder.path() + "/a/b";
  ASSERT_TRUE(MakeDirectories(below).ok());
  ASSERT_TRUE(MakeDirectories(folder.path() + "/.git").ok());
  ASSERT_TRUE(WriteFile(folder.path() + "/trireme.yaml", "trials: 4\n").ok());
  EXPECT_EQ(FindSettings(below)->run.trials, 4);
}

TEST(FindSettingsTest, LooksNoFurtherThanTheRootOfTheRepository) {
  const TemporaryDirectory folder;
  const std::string below = folder.path() + "/a";
  ASSERT_TRUE(MakeDirectories(below + "/.git").ok());
  ASSERT_TRUE(WriteFile(folder.path() + "/trireme.yaml", "trials: 4\n").ok());
  EXPECT_FALSE(FindSettings(below)->run.trials.has_value());
}

}  // namespace
}  // namespace trireme
