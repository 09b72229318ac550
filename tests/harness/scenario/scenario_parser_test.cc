#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;

class ScenarioParserTest : public ::testing::Test {
 protected:
  Scenario Parse(const std::string& rest) {
    Result<Scenario> scenario = folder_.Parse(Complete(rest));
    EXPECT_TRUE(scenario.ok()) << folder_.ErrorOf(Complete(rest));
    return scenario.ok() ? *std::move(scenario) : Scenario{};
  }
  std::string ErrorOf(const std::string& rest) { return folder_.ErrorOf(Complete(rest)); }

  ScenarioFolder folder_;
};

TEST_F(ScenarioParserTest, ReadsEveryKey) {
  const Result<Scenario> parsed = folder_.Parse(
      "version: 1\n"
      "summary: Two tasks wait to read one socket\n"
      "description: |\n"
      "  Eventlet refuses the second reader; nothing else does.\n"
      "tags: [hazard, sockets]\n"
      "references: [\"Identified blocking points\", F57]\n"
      "workload: {python: workload.py, cpp: workload.cc}\n"
      "params: {readers: 2, bytes: 65536, share: 0.5, name: no}\n"
      "matrix: {protocol: [tcp, unix]}\n"
      "runtimes: [threading, eventlet, thread]\n"
      "reference: eventlet/3.11\n"
      "trials: 20\n"
      "timeout: 10s\n"
      "isolation: process\n"
      "inputs: per-trial\n"
      "exclusive: true\n"
      "requires: [fork]\n"
      "faults: [none]\n"
      "checks: [equivalence, {overlap: {ops: [sell]}}, {deadline: {op: request, within: 20ms}}]\n"
      "compare: {total: exact, rate: {tolerance: 0.1}}\n"
      "expect:\n"
      "  default: {verdict: fail, finding: overlap}\n"
      "  \"threading/3.13t\": {verdict: [pass, fail], findings: [], rate: 0.02..1, outcome: fifo}\n"
      "max-unknown: 0.1\n"
      "memory: 1GiB\n");
  ASSERT_TRUE(parsed.ok()) << parsed.error().Render();
  const Scenario& scenario = *parsed;
  EXPECT_EQ(scenario.name, "hazards/test");
  EXPECT_EQ(scenario.summary, "Two tasks wait to read one socket");
  EXPECT_EQ(scenario.description, "Eventlet refuses the second reader; nothing else does.\n");
  EXPECT_EQ(scenario.tags, (std::vector<std::string>{"hazard", "sockets"}));
  EXPECT_EQ(scenario.python, RealPath(folder_.path()) + "/workload.py");
  EXPECT_EQ(DumpJson(scenario.params), R"({"readers":2,"bytes":65536,"share":0.5,"name":"no"})");
  ASSERT_EQ(scenario.matrix.size(), 1U);
  EXPECT_EQ(scenario.matrix[0].second, (std::vector<Json>{"tcp", "unix"}));
  EXPECT_EQ(scenario.runtimes, (std::vector<std::string>{"eventlet", "threading", "thread"}));
  EXPECT_EQ(scenario.reference, "eventlet/3.11");
  EXPECT_EQ(scenario.trials, 20);
  EXPECT_EQ(scenario.timeout, 10'000'000'000);
  EXPECT_TRUE(scenario.isolated_process && scenario.inputs_per_trial && scenario.exclusive);
  ASSERT_EQ(scenario.checks.size(), 3U);
  EXPECT_EQ(DumpJson(scenario.checks[1].arguments), R"({"ops":["sell"]})");
  EXPECT_EQ(DumpJson(scenario.checks[2].arguments), R"({"within":20000000,"op":"request"})");
  EXPECT_EQ(DumpJson(scenario.compare), R"({"total":"exact","rate":{"tolerance":0.1}})");
  ASSERT_EQ(scenario.expectations.size(), 2U);
  EXPECT_EQ(scenario.expectations[0].finding, "overlap");
  EXPECT_TRUE(scenario.expectations[1].exact_findings);
  EXPECT_EQ(scenario.expectations[1].rate_low, 0.02);
  EXPECT_EQ(scenario.memory, int64_t{1} << 30);
}

TEST_F(ScenarioParserTest, FillsInTheDefaults) {
  const Scenario scenario = Parse("");
  EXPECT_EQ(scenario.runtimes, (std::vector<std::string>{"eventlet", "threading", "asyncio",
                                                         "thread", "fiber", "coroutine"}));
  EXPECT_EQ(scenario.trials, 1);
  EXPECT_EQ(scenario.timeout, 30'000'000'000);
  EXPECT_FALSE(scenario.isolated_process || scenario.inputs_per_trial || scenario.exclusive);
  EXPECT_EQ(scenario.max_unknown, 0.05);
  EXPECT_EQ(scenario.memory, 0);
  EXPECT_EQ(scenario.checks.size(), 3U);
  EXPECT_TRUE(scenario.expectations.empty());
}

TEST_F(ScenarioParserTest, LeavesToCommandsTheRuntimesThatRunThem) {
  const Result<Scenario> scenario =
      folder_.Parse("version: 1\nsummary: s\nworkload: {command: [pytest, -q]}\n");
  ASSERT_TRUE(scenario.ok());
  EXPECT_EQ(scenario->command, (std::vector<std::string>{"pytest", "-q"}));
  EXPECT_EQ(scenario->runtimes, (std::vector<std::string>{"eventlet", "threading"}));
}

TEST_F(ScenarioParserTest, RunsNoTwoTrialsOfACommandAtOnceUnlessItSaysSo) {
  const std::string text = "version: 1\nsummary: s\nworkload: {command: [pytest, -q]}\n";
  EXPECT_TRUE(folder_.Parse(text)->exclusive);
  EXPECT_FALSE(folder_.Parse(text + "exclusive: false\n")->exclusive);
}

TEST_F(ScenarioParserTest, LeavesToPythonItsRuntimes) {
  const Result<Scenario> scenario =
      folder_.Parse("version: 1\nsummary: s\nworkload: {python: workload.py}\n");
  ASSERT_TRUE(scenario.ok());
  EXPECT_EQ(scenario->cpp, "");
  EXPECT_EQ(scenario->runtimes, (std::vector<std::string>{"eventlet", "threading", "asyncio"}));
}

TEST_F(ScenarioParserTest, JoinsAFoldedSummary) {
  const Result<Scenario> scenario =
      folder_.Parse("version: 1\nsummary: >\n  one\n  line\nworkload: {python: workload.py}\n");
  ASSERT_TRUE(scenario.ok());
  EXPECT_EQ(scenario->summary, "one line");
}

TEST_F(ScenarioParserTest, AcceptsPlainSecondsAsATimeout) {
  EXPECT_EQ(Parse("timeout: 1.5\n").timeout, 1'500'000'000);
  EXPECT_EQ(Parse("timeout: 1ms\n").timeout, 1'000'000);
  EXPECT_EQ(Parse("timeout: 24h\n").timeout, 86'400'000'000'000);
}

TEST_F(ScenarioParserTest, RejectsANulInAName) {
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary: s\nworkload: {python: \"workload.py\\0x\"}\n"),
            "scenario.yaml:3:20: error: 'python' must not contain a NUL character\n"
            "workload: {python: \"workload.py\\0x\"}\n"
            "                   ^~~~~~~~~~~~~~~~\n"
            "hint: no path, name or argument of a program has one\n");
}

TEST_F(ScenarioParserTest, ShowsNoEscapesOfAValue) {
  const std::string error = ErrorOf("runtimes: [\"\\e[31m\\n\\x9b\\u202ered\"]\n");
  EXPECT_NE(error.find("?[31m??\ufffdred"), std::string::npos) << error;
}

TEST_F(ScenarioParserTest, RejectsWhatIsNoMapping) {
  EXPECT_EQ(folder_.ErrorOf("[]\n"),
            "scenario.yaml:1:1: error: a scenario must be a mapping, not a list\n[]\n^\n");
}

TEST_F(ScenarioParserTest, RejectsAMissingVersion) {
  EXPECT_EQ(folder_.ErrorOf("summary: s\n"),
            "scenario.yaml:1:1: error: this scenario has no 'version'\n"
            "summary: s\n"
            "^~~~~~~\n"
            "hint: begin with version: 1\n");
}

TEST_F(ScenarioParserTest, RejectsANewerVersionBeforeAnythingElse) {
  EXPECT_EQ(folder_.ErrorOf("new: 1\nversion: 2\n"),
            "scenario.yaml:2:10: error: version 2 is newer than this trireme reads (1)\n"
            "version: 2\n"
            "         ^\n"
            "hint: update trireme\n");
}

TEST_F(ScenarioParserTest, RejectsWhatIsNoVersion) {
  for (const std::string version : {"0", "-1", "1.0", "one", "\"1\"", "[1]"}) {
    const std::string text = "version: " + version + "\n";
    EXPECT_EQ(folder_.ErrorOf(text).substr(0, 50),
              "scenario.yaml:1:10: error: 'version' must be 1\nver")
        << version;
  }
}

TEST_F(ScenarioParserTest, RejectsAnUnknownKey) {
  EXPECT_EQ(ErrorOf("runtime: [thread]\n"),
            "scenario.yaml:4:1: error: unknown key 'runtime'\n"
            "runtime: [thread]\n"
            "^~~~~~~\n"
            "hint: did you mean 'runtimes'?\n");
}

TEST_F(ScenarioParserTest, RejectsAKeyOfALaterVersion) {
  EXPECT_EQ(ErrorOf("roles: {server: [eventlet]}\n"),
            "scenario.yaml:4:1: error: key 'roles' is not available yet\n"
            "roles: {server: [eventlet]}\n"
            "^~~~~\n");
  EXPECT_EQ(ErrorOf("budgets: {p99: 1.5x}\n"),
            "scenario.yaml:4:1: error: key 'budgets' is not available yet\n"
            "budgets: {p99: 1.5x}\n"
            "^~~~~~~\n");
}

TEST_F(ScenarioParserTest, RejectsAMissingSummary) {
  EXPECT_EQ(folder_.ErrorOf("version: 1\n"),
            "scenario.yaml:1:1: error: this scenario has no 'summary'\n"
            "version: 1\n"
            "^~~~~~~\n"
            "hint: say in one line what the scenario shows\n");
}

TEST_F(ScenarioParserTest, RejectsASummaryOfTwoLines) {
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary: |\n  a\n  b\n"),
            "scenario.yaml:2:10: error: 'summary' must be one line\n"
            "summary: |\n"
            "         ^\n"
            "hint: put the rest under 'description'\n");
}

TEST_F(ScenarioParserTest, RejectsASummaryThatIsNoText) {
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary: 12\n"),
            "scenario.yaml:2:10: error: 'summary' must be text, not the number 12\n"
            "summary: 12\n"
            "         ^~\n"
            "hint: quote it: \"12\"\n");
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary:\nworkload: {}\n"),
            "scenario.yaml:2:1: error: 'summary' must be text, not nothing\n"
            "summary:\n"
            "^~~~~~~\n");
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary: ' '\n"),
            "scenario.yaml:2:10: error: 'summary' must not be empty\n"
            "summary: ' '\n"
            "         ^~~\n");
}

TEST_F(ScenarioParserTest, RejectsTagsThatAreNoTexts) {
  EXPECT_EQ(ErrorOf("tags: hazard\n"),
            "scenario.yaml:4:7: error: 'tags' must be a list of texts, not text\n"
            "tags: hazard\n"
            "      ^~~~~~\n");
  EXPECT_EQ(ErrorOf("tags: [no, 010]\n"),
            "scenario.yaml:4:12: error: an item of 'tags' must be text, not the number 010\n"
            "tags: [no, 010]\n"
            "           ^~~\n"
            "hint: quote it: \"010\"\n");
}

// Where a workload may be and where not; each error stands at `workload: {python: HERE}`.
class WorkloadTest : public ScenarioParserTest {
 protected:
  std::string ErrorOfFile(const std::string& name) {
    return ErrorOfWorkload("{python: " + name + "}");
  }
  std::string ErrorOfWorkload(const std::string& workload) {
    return folder_.ErrorOf("version: 1\nsummary: s\nworkload: " + workload + "\n");
  }
};

TEST_F(WorkloadTest, MayBeInAFolderBelow) {
  ASSERT_TRUE(MakeDirectories(folder_.path() + "/src").ok());
  folder_.Write("src/main.py", "");
  EXPECT_EQ(ErrorOfFile("src/main.py"), "");
  EXPECT_EQ(ErrorOfFile("./src/../workload.py"), "");
}

TEST_F(WorkloadTest, MayBeALinkThatStaysInside) {
  std::filesystem::create_symlink("workload.py", folder_.path() + "/link.py");
  EXPECT_EQ(ErrorOfFile("link.py"), "");
}

TEST_F(WorkloadTest, MustExist) {
  EXPECT_EQ(ErrorOfFile("none.py"),
            "scenario.yaml:3:20: error: workload 'none.py' does not exist\n"
            "workload: {python: none.py}\n"
            "                   ^~~~~~~\n");
}

TEST(WorkloadFolderTest, IsUtf8WhereARunnerOpensIt) {
  const auto error_of = [](const std::string& name, const std::string& workload) {
    const ScenarioFolder outer;
    std::filesystem::create_directory(outer.path() + "/" + name);
    outer.Write(name + "/workload.py", "");
    outer.Write(name + "/workload.cc", "");
    const Result<Scenario> scenario =
        ParseScenario("version: 1\nsummary: s\nworkload: {" + workload + "}\n",
                      outer.path() + "/" + name + "/scenario.yaml", "test", outer.vocabulary());
    const std::string error = scenario.ok() ? "" : scenario.error().Render();
    return error.substr(scenario.ok() ? 0 : error.find("scenario.yaml:"));
  };
  EXPECT_EQ(error_of("caf\xe9", "python: workload.py"),
            "scenario.yaml:3:20: error: the path of the scenario's folder is not valid UTF-8\n"
            "workload: {python: workload.py}\n"
            "                   ^~~~~~~~~~~\n"
            "hint: rename the folder\n");
  EXPECT_NE(error_of("caf\xe9", "command: [\"true\"]"), "");
  EXPECT_EQ(error_of("caf\xe9", "cpp: workload.cc"), "");
  EXPECT_EQ(error_of("caf\xc3\xa9", "python: workload.py"), "");
}

TEST_F(WorkloadTest, MustBeInside) {
  EXPECT_EQ(ErrorOfFile("/etc/hostname"),
            "scenario.yaml:3:20: error: workload '/etc/hostname' is outside the scenario's folder\n"
            "workload: {python: /etc/hostname}\n"
            "                   ^~~~~~~~~~~~~\n");
  EXPECT_EQ(ErrorOfFile("../.."),
            "scenario.yaml:3:20: error: workload '../..' is outside the scenario's folder\n"
            "workload: {python: ../..}\n"
            "                   ^~~~~\n");
}

TEST_F(WorkloadTest, MustBeInsideBehindLinksToo) {
  std::filesystem::create_symlink("/etc/hostname", folder_.path() + "/link.py");
  EXPECT_EQ(ErrorOfFile("link.py"),
            "scenario.yaml:3:20: error: workload 'link.py' is outside the scenario's folder\n"
            "workload: {python: link.py}\n"
            "                   ^~~~~~~\n");
}

TEST_F(WorkloadTest, MustBeAFile) {
  ASSERT_TRUE(MakeDirectories(folder_.path() + "/src").ok());
  EXPECT_EQ(ErrorOfFile("src"),
            "scenario.yaml:3:20: error: workload 'src' is a folder\n"
            "workload: {python: src}\n"
            "                   ^~~\n");
}

TEST_F(WorkloadTest, MustNotBeAPipe) {
  ASSERT_EQ(::mkfifo((folder_.path() + "/pipe.py").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOfFile("pipe.py"),
            "scenario.yaml:3:20: error: workload 'pipe.py' is no regular file\n"
            "workload: {python: pipe.py}\n"
            "                   ^~~~~~~\n");
}

TEST_F(WorkloadTest, MustBeThere) {
  EXPECT_EQ(folder_.ErrorOf("version: 1\nsummary: s\n"),
            "scenario.yaml:1:1: error: this scenario has no 'workload'\n"
            "version: 1\n"
            "^~~~~~~\n"
            "hint: write workload: {python: workload.py}\n");
  EXPECT_EQ(ErrorOfWorkload("{}"),
            "scenario.yaml:3:11: error: 'workload' must not be empty\n"
            "workload: {}\n"
            "          ^\n"
            "hint: write workload: {python: workload.py}\n");
}

TEST_F(WorkloadTest, MustBeNamedByItsLanguage) {
  EXPECT_EQ(ErrorOfWorkload("workload.py"),
            "scenario.yaml:3:11: error: 'workload' must be a mapping, not text\n"
            "workload: workload.py\n"
            "          ^~~~~~~~~~~\n");
  EXPECT_EQ(ErrorOfWorkload("{pyton: workload.py}"),
            "scenario.yaml:3:12: error: unknown key 'pyton' of 'workload'\n"
            "workload: {pyton: workload.py}\n"
            "           ^~~~~\n"
            "hint: did you mean 'python'?\n");
}

TEST_F(WorkloadTest, IsFilesOrACommand) {
  EXPECT_EQ(ErrorOfWorkload("{python: workload.py, command: [a]}"),
            "scenario.yaml:3:11: error: a workload is files or a command, not both\n"
            "workload: {python: workload.py, command: [a]}\n"
            "          ^\n");
}

TEST_F(WorkloadTest, ComparesLinesOfTheOutputOfACommand) {
  const Result<Scenario> scenario = folder_.Parse(
      "version: 1\nsummary: s\nworkload: {command: [a], lines: ['^b (.*)', c]}\n");
  ASSERT_TRUE(scenario.ok());
  EXPECT_EQ(scenario->lines, (std::vector<std::string>{"^b (.*)", "c"}));
  EXPECT_EQ(ErrorOfWorkload("{command: [a], lines: [b, 'c(']}"),
            "scenario.yaml:3:37: error: 'c(' is not a regular expression: missing ): c(\n"
            "workload: {command: [a], lines: [b, 'c(']}\n"
            "                                    ^~~~\n");
  EXPECT_EQ(ErrorOfWorkload("{python: workload.py, lines: [b]}"),
            "scenario.yaml:3:40: error: 'lines' are of the output of a command\n"
            "workload: {python: workload.py, lines: [b]}\n"
            "                                       ^\n"
            "hint: a workload in Python or C++ calls rt.observe\n");
}

TEST_F(WorkloadTest, IsACommandOfWords) {
  EXPECT_EQ(ErrorOfWorkload("{command: pytest -q}"),
            "scenario.yaml:3:21: error: 'command' must be a list, not text\n"
            "workload: {command: pytest -q}\n"
            "                    ^~~~~~~~~\n");
  EXPECT_EQ(ErrorOfWorkload("{command: []}"),
            "scenario.yaml:3:21: error: 'command' must not be empty\n"
            "workload: {command: []}\n"
            "                    ^\n");
}

TEST_F(ScenarioParserTest, RejectsAnUnknownRuntime) {
  EXPECT_EQ(ErrorOf("runtimes: [evenlet, threading]\n"),
            "scenario.yaml:4:12: error: unknown runtime 'evenlet'\n"
            "runtimes: [evenlet, threading]\n"
            "           ^~~~~~~\n"
            "hint: did you mean 'eventlet'?\n");
}

TEST_F(ScenarioParserTest, RejectsARuntimeOfALaterVersion) {
  EXPECT_EQ(ErrorOf("runtimes: [greenlet]\n"),
            "scenario.yaml:4:12: error: runtime 'greenlet' is not available yet\n"
            "runtimes: [greenlet]\n"
            "           ^~~~~~~~\n");
}

TEST_F(ScenarioParserTest, RejectsARuntimeThatTheWorkloadRulesOut) {
  EXPECT_EQ(folder_.ErrorOf(
                "version: 1\nsummary: s\nworkload: {python: workload.py}\nruntimes: [thread]\n"),
            "scenario.yaml:4:12: error: runtime 'thread' needs a C++ workload\n"
            "runtimes: [thread]\n"
            "           ^~~~~~\n");
  EXPECT_EQ(folder_.ErrorOf(
                "version: 1\nsummary: s\nworkload: {command: [pytest]}\nruntimes: [asyncio]\n"),
            "scenario.yaml:4:12: error: runtime 'asyncio' runs no commands\n"
            "runtimes: [asyncio]\n"
            "           ^~~~~~~\n");
}

TEST_F(ScenarioParserTest, RejectsRuntimesThatAreNoList) {
  EXPECT_EQ(ErrorOf("runtimes: eventlet\n"),
            "scenario.yaml:4:11: error: 'runtimes' must be a list, not text\n"
            "runtimes: eventlet\n"
            "          ^~~~~~~~\n");
  EXPECT_EQ(ErrorOf("runtimes: []\n"),
            "scenario.yaml:4:11: error: 'runtimes' must not be empty\n"
            "runtimes: []\n"
            "          ^\n");
}

TEST_F(ScenarioParserTest, RejectsAReferenceThatItsRuntimesLeaveOut) {
  EXPECT_EQ(ErrorOf("runtimes: [eventlet]\nreference: threading\n"),
            "scenario.yaml:5:12: error: the reference 'threading' is no runtime of this scenario\n"
            "reference: threading\n"
            "           ^~~~~~~~~\n"
            "hint: it allows eventlet\n");
  EXPECT_EQ(ErrorOf("reference: evenlet/3.11\n"),
            "scenario.yaml:4:12: error: unknown runtime 'evenlet'\n"
            "reference: evenlet/3.11\n"
            "           ^~~~~~~~~~~~\n"
            "hint: did you mean 'eventlet'?\n");
}

TEST_F(ScenarioParserTest, RejectsAReferenceWithAWrongInterpreter) {
  EXPECT_EQ(ErrorOf("reference: thread/3.11\n"),
            "scenario.yaml:4:12: error: runtime 'thread' has no interpreter\n"
            "reference: thread/3.11\n"
            "           ^~~~~~~~~~~\n");
  EXPECT_EQ(ErrorOf("reference: eventlet/\n"),
            "scenario.yaml:4:12: error: no interpreter after '/'\n"
            "reference: eventlet/\n"
            "           ^~~~~~~~~\n");
}

TEST_F(ScenarioParserTest, RejectsImpossibleTrials) {
  for (const std::string trials : {"0", "-1", "1e9", "1000001", "99999999999999999999999"})
    EXPECT_EQ(ErrorOf("trials: " + trials + "\n"),
              "scenario.yaml:4:9: error: 'trials' must be from 1 to 1000000, not " + trials +
                  "\ntrials: " + trials + "\n        ^" + std::string(trials.size() - 1, '~') +
                  "\n");
  EXPECT_EQ(ErrorOf("trials: 1000000\n"), "");
}

TEST_F(ScenarioParserTest, RejectsTrialsThatAreNoNumber) {
  EXPECT_EQ(ErrorOf("trials: 1.5\n"),
            "scenario.yaml:4:9: error: 'trials' must be a whole number, not 1.5\ntrials: 1.5\n     "
            "   ^~~\n");
  EXPECT_EQ(ErrorOf("trials: many\n"),
            "scenario.yaml:4:9: error: 'trials' must be a whole number, not 'many'\ntrials: many\n "
            "       ^~~~\n");
  EXPECT_EQ(ErrorOf("trials: [1]\n"),
            "scenario.yaml:4:9: error: 'trials' must be a whole number, not a list\ntrials: [1]\n  "
            "      ^\n");
  EXPECT_EQ(
      ErrorOf("trials:\n"),
      "scenario.yaml:4:1: error: 'trials' must be a whole number, not nothing\ntrials:\n^~~~~~\n");
}

TEST_F(ScenarioParserTest, RejectsImpossibleTimeouts) {
  for (const std::string timeout : {"0s", "0", "0.5ms", "9600h", "86401s"})
    EXPECT_EQ(ErrorOf("timeout: " + timeout + "\n"),
              "scenario.yaml:4:10: error: 'timeout' must be from 1ms to 24h00m, not " + timeout +
                  "\ntimeout: " + timeout + "\n         ^" + std::string(timeout.size() - 1, '~') +
                  "\n");
}

TEST_F(ScenarioParserTest, RejectsTimeoutsThatAreNoDuration) {
  for (const std::string timeout : {"400d", "-1s", "soon", "1.2.3s", "10 s"})
    EXPECT_EQ(ErrorOf("timeout: " + timeout + "\n"),
              "scenario.yaml:4:10: error: 'timeout' must be a duration, not '" + timeout +
                  "'\ntimeout: " + timeout + "\n         ^" + std::string(timeout.size() - 1, '~') +
                  "\nhint: write it as 500ms, 10s, 1.5m or 2h\n");
}

TEST_F(ScenarioParserTest, RejectsImpossibleMemory) {
  EXPECT_EQ(ErrorOf("memory: 1\n"),
            "scenario.yaml:4:9: error: 'memory' must be from 16MiB to 1TiB, not 1\nmemory: 1\n     "
            "   ^\n");
  EXPECT_EQ(
      ErrorOf("memory: big\n"),
      "scenario.yaml:4:9: error: 'memory' must be a size, not 'big'\nmemory: big\n        ^~~\n"
      "hint: write it as 512MiB or 2GiB\n");
  EXPECT_EQ(Parse("memory: 16MiB\n").memory, 16 << 20);
}

TEST_F(ScenarioParserTest, RejectsAnImpossibleShareOfUnknown) {
  EXPECT_EQ(ErrorOf("max-unknown: 5\n"),
            "scenario.yaml:4:14: error: 'max-unknown' must be from 0 to 1, not 5\nmax-unknown: 5\n "
            "            ^\n"
            "hint: 0.05 is 5 %\n");
  EXPECT_EQ(ErrorOf("max-unknown: 5%\n"),
            "scenario.yaml:4:14: error: 'max-unknown' must be a number, not '5%'\nmax-unknown: "
            "5%\n             ^~\n");
  EXPECT_EQ(Parse("max-unknown: 1\n").max_unknown, 1);
}

TEST_F(ScenarioParserTest, RejectsAnUnknownMode) {
  EXPECT_EQ(ErrorOf("isolation: forks\n"),
            "scenario.yaml:4:12: error: 'isolation' must be fork or process, not "
            "'forks'\nisolation: forks\n           ^~~~~\n"
            "hint: did you mean 'fork'?\n");
  EXPECT_EQ(ErrorOf("inputs: random\n"),
            "scenario.yaml:4:9: error: 'inputs' must be fixed or per-trial, not 'random'\ninputs: "
            "random\n        ^~~~~~\n");
  EXPECT_EQ(ErrorOf("exclusive: yes\n"),
            "scenario.yaml:4:12: error: 'exclusive' must be true or false, not 'yes'\nexclusive: "
            "yes\n           ^~~\n");
}

TEST_F(ScenarioParserTest, RejectsAnUnknownCapability) {
  EXPECT_EQ(ErrorOf("requires: [fork, ipv5]\n"),
            "scenario.yaml:4:18: error: unknown capability 'ipv5'\nrequires: [fork, ipv5]\n        "
            "         ^~~~\n"
            "hint: did you mean 'ipv6'?\n");
}

TEST_F(ScenarioParserTest, RejectsParamsThatNoOptionCanName) {
  EXPECT_EQ(ErrorOf("params: {a b: 1}\n"),
            "scenario.yaml:4:10: error: 'a b' cannot name a param\nparams: {a b: 1}\n         ^~~\n"
            "hint: use letters, digits, '_', '.' and '-', a letter first\n");
  EXPECT_EQ(
      ErrorOf("params: [a]\n"),
      "scenario.yaml:4:9: error: 'params' must be a mapping, not a list\nparams: [a]\n        ^\n");
}

TEST_F(ScenarioParserTest, RejectsNumbersThatJsonLacks) {
  EXPECT_EQ(ErrorOf("params: {a: [{b: .inf}]}\n"),
            "scenario.yaml:4:18: error: '.inf' is no number that JSON has\nparams: {a: [{b: "
            ".inf}]}\n                 ^~~~\n"
            "hint: quote it to make it text\n");
  EXPECT_EQ(DumpJson(Parse("params: {a: 9223372036854775807, b: '.inf', c: null}\n").params),
            "{\"a\":9223372036854775807,\"b\":\".inf\",\"c\":null}");
}

TEST_F(ScenarioParserTest, RejectsAMatrixOfAMillionCells) {
  std::string matrix = "matrix:\n";
  for (const char axis : {'a', 'b', 'c', 'd', 'e', 'f'})
    matrix += std::string("  ") + axis + ": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n";
  EXPECT_EQ(ErrorOf(matrix),
            "scenario.yaml:9:3: error: 'matrix' plans more than 10000 cells a runtime\n"
            "  e: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
            "  ^\n"
            "hint: leave values out, or split the scenario\n");
}

TEST_F(ScenarioParserTest, RejectsAnAxisWithoutValues) {
  EXPECT_EQ(ErrorOf("matrix: {a: 1}\n"),
            "scenario.yaml:4:13: error: 'a' must be a list, not the number 1\nmatrix: {a: 1}\n     "
            "       ^\n");
  EXPECT_EQ(ErrorOf("matrix: {a: []}\n"),
            "scenario.yaml:4:13: error: 'a' must not be empty\nmatrix: {a: []}\n            ^\n");
}

TEST_F(ScenarioParserTest, RejectsAnAxisThatRepeats) {
  EXPECT_EQ(ErrorOf("matrix: {a: [1, 1]}\n"),
            "scenario.yaml:4:17: error: this value is listed twice\nmatrix: {a: [1, 1]}\n          "
            "      ^\n");
  EXPECT_EQ(ErrorOf("params: {a: 1}\nmatrix: {a: [1]}\n"),
            "scenario.yaml:5:10: error: 'a' is in 'params' too\nmatrix: {a: [1]}\n         ^\n");
  EXPECT_EQ(ErrorOf("matrix: {a: [1, '1']}\n"), "");
}

TEST_F(ScenarioParserTest, RejectsAnUnknownRule) {
  EXPECT_EQ(ErrorOf("compare: {a: exakt}\n"),
            "scenario.yaml:4:14: error: 'a' must be exact, multiset, sequence, set or ignore, not "
            "'exakt'\n"
            "compare: {a: exakt}\n             ^~~~~\nhint: did you mean 'exact'?\n");
  EXPECT_EQ(ErrorOf("compare: {a: {tolerance: -1}}\n"),
            "scenario.yaml:4:26: error: 'tolerance' must not be negative\ncompare: {a: {tolerance: "
            "-1}}\n                         ^~\n");
  EXPECT_EQ(ErrorOf("compare: {a: {}}\n"),
            "scenario.yaml:4:11: error: 'a' needs 'tolerance'\ncompare: {a: {}}\n          ^\n");
  EXPECT_EQ(ErrorOf("compare: {a: {tolerance: 0}}\n"), "");
  EXPECT_EQ(ErrorOf("compare: {wire: http}\n"), "");
  EXPECT_EQ(ErrorOf("compare: {wire: line}\n"),
            "scenario.yaml:4:17: error: 'wire' must be exact, lines or http, not 'line'\n"
            "compare: {wire: line}\n                ^~~~\nhint: did you mean 'lines'?\n");
}

}  // namespace
}  // namespace trireme
