#include "harness/cli/run_options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

// In a folder of its own, whose trireme.yaml is `settings`.
class RunOptionsTest : public testing::Test {
 protected:
  RunOptionsTest() : before_(RealPath(".")) { EXPECT_EQ(::chdir(folder_.path().c_str()), 0); }
  ~RunOptionsTest() override { EXPECT_EQ(::chdir(before_.c_str()), 0); }

  RunOptions Parse(const Arguments& arguments, const std::string& settings = "") {
    EXPECT_TRUE(WriteFile("trireme.yaml", settings).ok());
    std::variant<RunOptions, int> parsed = ParseRunOptions(arguments);
    EXPECT_TRUE(std::holds_alternative<RunOptions>(parsed));
    return std::holds_alternative<RunOptions>(parsed) ? std::get<RunOptions>(parsed) : RunOptions();
  }

  TemporaryDirectory folder_;
  std::string before_;
};

TEST_F(RunOptionsTest, TakesLists) {
  const RunOptions options =
      Parse({"a", "--runtimes", "eventlet,threading", "--runtimes", "asyncio", "b"});
  EXPECT_EQ(options.scenarios, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.run.runtimes, (std::vector<std::string>{"eventlet", "threading", "asyncio"}));
}

TEST_F(RunOptionsTest, KeepsTheCommandAsItIs) {
  const RunOptions options = Parse({"--trials", "2", "--", "pytest", "--seed", "x", "--", "y"});
  EXPECT_EQ(options.command, (std::vector<std::string>{"pytest", "--seed", "x", "--", "y"}));
  EXPECT_EQ(options.run.trials, 2);
}

TEST_F(RunOptionsTest, ReadsSeedsInBothBases) {
  EXPECT_EQ(Parse({"--seed", "0x5eed"}).seed, 0x5eed);
  EXPECT_EQ(Parse({"--seed=17"}).seed, 17);
}

TEST_F(RunOptionsTest, ReadsParamsAsAScenarioWould) {
  const RunOptions options =
      Parse({"--param", "a=3", "--param", "b=text", "--param", "c=[1, 2]", "--param", "d=x=y"});
  ASSERT_EQ(options.params.size(), 4U);
  EXPECT_EQ(options.params[0].second, Json(3));
  EXPECT_EQ(options.params[1].second, Json("text"));
  EXPECT_EQ(options.params[2].second, Json::array({1, 2}));
  EXPECT_EQ(options.params[3].second, Json("x=y"));
}

TEST_F(RunOptionsTest, LeavesAloneWhatTheCommandLineAndTheFileName) {
  const std::string entry = "- {kind: leak, frames: ['*'], reason: r}\n";
  ASSERT_TRUE(WriteFile("mine.yaml", entry).ok() && WriteFile("ours.yaml", entry).ok());
  const RunOptions options = Parse({"--suppressions", "mine.yaml"}, "suppressions: [ours.yaml]\n");
  std::vector<std::string> places;
  for (const Suppression& one : options.suppressions.all())
    if (!one.shipped) places.push_back(BaseName(one.place));
  EXPECT_EQ(places, (std::vector<std::string>{"mine.yaml:1", "ours.yaml:1"}));
  EXPECT_EQ(options.replay, (std::vector<std::string>{"--suppressions", "mine.yaml"}));
}

TEST_F(RunOptionsTest, PrefersTheCommandLineThenTheProfileThenTheFile) {
  const std::string settings =
      "trials: 1\njobs: 1\ntimeout: 1s\nprofiles: {ci: {trials: 2, jobs: 2}}\n";
  const RunOptions options = Parse({"--profile", "ci", "--trials", "3"}, settings);
  EXPECT_EQ(options.run.trials, 3);
  EXPECT_EQ(options.run.jobs, 2);
  EXPECT_EQ(options.run.timeout, 1'000'000'000);
}

TEST_F(RunOptionsTest, ReplaysWhatTheCommandLineSaidAndNotTheFile) {
  const RunOptions options = Parse({"--python", "x=/py"}, "python: {y: /other}\n");
  EXPECT_EQ(options.pythons, (std::vector<std::string>{"x=/py", "y=/other"}));
  EXPECT_EQ(options.replay, (std::vector<std::string>{"--python", "x=/py"}));
}

TEST_F(RunOptionsTest, TakesFaultPlansOrThoseOfATrial) {
  EXPECT_EQ(Parse({"--faults", "none,short-io", "--faults", "mine.yaml"}).faults,
            (std::vector<std::string>{"none", "short-io", "mine.yaml"}));
  EXPECT_EQ(Parse({"--faults-from", "run", "--trial", "3"}).faults_from, "run");
  EXPECT_EQ(std::get<int>(ParseRunOptions({"--faults-from", "run", "--faults", "none"})), 2);
}

TEST_F(RunOptionsTest, TakesAPlanFileWhosePathHasCommas) {
  EXPECT_TRUE(MakeDirectories("a,b").ok());
  EXPECT_TRUE(WriteFile("a,b/minimal.yaml", "").ok());
  EXPECT_EQ(Parse({"--faults", "none,a,b/minimal.yaml,short-io"}).faults,
            (std::vector<std::string>{"none", "a,b/minimal.yaml", "short-io"}));
  EXPECT_EQ(Parse({"--faults", "none,a,b/other.yaml"}).faults,
            (std::vector<std::string>{"none", "a", "b/other.yaml"}))
      << "there is no such file";
  EXPECT_EQ(std::get<int>(ParseRunOptions({"--faults", "none,,a,b/minimal.yaml"})), 2);
}

TEST(ParseReportRequestTest, TakesAPathWithEqualsSigns) {
  const Result<ReportRequest> request = ParseReportRequest("junit=out/a=b.xml");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->format, "junit");
  EXPECT_EQ(request->path, "out/a=b.xml");
}

}  // namespace
}  // namespace trireme
