#include "harness/cli/environments.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "harness/base/file.h"

namespace trireme {
namespace {

// A base that copies itself as the environment's Python; `pip` is what its pip does.
class MakeEnvironmentTest : public testing::Test {
 protected:
  MakeEnvironmentTest() {
    SetPip("exit 0");
    SetRequirements("h11==0.16.0\n");
  }

  void SetPip(const std::string& pip) {
    const std::string script =
        "#!/bin/sh\ncase \"$*\" in\n"
        "*'-m venv '*) mkdir -p \"$4/bin\" && cp \"$0\" \"$4/bin/python\" ;;\n"
        "*'-m pip install '*) " +
        pip + " ;;\nesac\n";
    ASSERT_TRUE(WriteFile(environment_.base.path, script).ok());
    ASSERT_EQ(::chmod(environment_.base.path.c_str(), 0755), 0);
  }
  void SetRequirements(const std::string& text) {
    ASSERT_TRUE(WriteFile(environment_.requirements, text).ok());
  }

  // "made", "reused" or the error.
  std::string Make() const {
    const auto made = MakeEnvironment(environment_);
    if (!made.ok()) return made.error().message;
    return *made == MadeHow::kMade ? "made" : "reused";
  }

  TemporaryDirectory folder_;
  Environment environment_{
      .base = {.name = "3.11", .path = JoinPath(folder_.path(), "python3"), .version = "3.11.7"},
      .requirements = JoinPath(folder_.path(), "requirements.txt"),
      .directory = JoinPath(folder_.path(), "venvs/3.11")};
};

TEST_F(MakeEnvironmentTest, MakesOnceAndReuses) {
  EXPECT_EQ(Make(), "made");
  EXPECT_EQ(Make(), "reused");
}

TEST_F(MakeEnvironmentTest, MakesAgainWhenTheRequirementsOrThePythonChange) {
  EXPECT_EQ(Make(), "made");
  SetRequirements("h11==0.16.1\n");
  EXPECT_EQ(Make(), "made");
  environment_.base.version = "3.11.8";
  EXPECT_EQ(Make(), "made");
  EXPECT_EQ(Make(), "reused");
}

TEST_F(MakeEnvironmentTest, LeavesNoStampWhenPipFails) {
  SetPip("echo 'ERROR: it is Monday' >&2; exit 1");
  EXPECT_EQ(Make(), "pip failed: it is Monday");
  SetPip("exit 0");
  EXPECT_EQ(Make(), "made");
}

TEST_F(MakeEnvironmentTest, MakesAgainWhatNoLongerStarts) {
  EXPECT_EQ(Make(), "made");
  ASSERT_TRUE(
      WriteFile(JoinPath(environment_.directory, "bin/python"), "#!/bin/sh\nexit 1\n").ok());
  EXPECT_EQ(Make(), "made");
}

TEST(ExplainPipFailureTest, NamesThePackageWithAnotherHash) {
  const std::string output =
      "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have "
      "updated the package "
      "versions, please update the hashes.\n"
      "    h11==0.16.0 from https://files.example/h11-0.16.0-py3-none-any.whl (from -r r.txt (line "
      "1)):\n"
      "        Expected sha256 00\n             Got        63\n";
  EXPECT_EQ(ExplainPipFailure(output, "r.txt", "3.11.log").Render(),
            "error: h11==0.16.0 has not the hash that r.txt pins\n"
            "hint: the package index or pip's cache holds another file: run 'pip cache purge', or "
            "use another index "
            "(PIP_INDEX_URL), then run 'trireme setup' again\n");
}

TEST(ExplainPipFailureTest, RecognisesAMissingNetwork) {
  const std::string output =
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('...: "
      "Failed to establish a new "
      "connection: [Errno -3] Temporary failure in name resolution')': /simple/h11/\n"
      "ERROR: Could not find a version that satisfies the requirement h11==0.16.0 (from versions: "
      "none)\n"
      "ERROR: No matching distribution found for h11==0.16.0\n";
  EXPECT_EQ(ExplainPipFailure(output, "r.txt", "3.11.log").message,
            "pip cannot reach the package index");
}

TEST(ExplainPipFailureTest, QuotesTheLastErrorOfWhatItDoesNotKnow) {
  EXPECT_EQ(ExplainPipFailure(
                "Collecting h11\nERROR: first\nERROR: second\n\n[notice] A new release\n", "r", "l")
                .message,
            "pip failed: second");
}

TEST(ExplainVenvFailureTest, NamesTheMissingPackage) {
  const Interpreter base{.path = "/usr/bin/python3", .version = "3.11.2"};
  const std::string output =
      "The virtual environment was not created successfully because ensurepip is not\navailable.\n";
  EXPECT_EQ(ExplainVenvFailure(output, base).Render(),
            "error: Python 3.11.2 (/usr/bin/python3) has no venv module\n"
            "hint: on Debian: apt-get install python3.11-venv; then run 'trireme setup' again\n");
}

}  // namespace
}  // namespace trireme
