#include "harness/cli/faults.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/cli/faults_from.h"
#include "harness/cli/vocabulary.h"
#include "harness/fault/fault_yaml.h"
#include "harness/history/writer.h"
#include "harness/scenario/plan.h"

namespace trireme {
namespace {

constexpr const char* kCutPlan = "version: 1\nsummary: s\nat: {offset: 9}\ndo: {short: 1}\n";

class FaultsTest : public testing::Test {
 protected:
  FaultsTest() { Write("faults/cut.yaml", kCutPlan); }

  std::string Path(const std::string& name) const { return JoinPath(folder_.path(), name); }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(MakeDirectories(DirName(Path(name))).ok());
    ASSERT_TRUE(WriteFile(Path(name), text).ok());
  }
  Result<std::vector<FaultChoice>> Choose(const std::vector<std::string>& words) const {
    Scenario scenario;
    scenario.faults = {{.name = "own", .argument = "own", .plan = {{"name", "own"}}}};
    return ChooseFaults(words, scenario, MakeVocabulary({folder_.path()}));
  }
  std::string ErrorOfChoice(const std::vector<std::string>& words) const {
    const auto chosen = Choose(words);
    return chosen.ok() ? "" : chosen.error().message;
  }

  TemporaryDirectory folder_;
};

TEST_F(FaultsTest, AreTheScenariosOwnOrNamedOrFiles) {
  Write("mine.yaml", kCutPlan);
  const auto chosen = Choose({"own", "none", "cut", Path("mine.yaml")});
  ASSERT_TRUE(chosen.ok()) << chosen.error().message;
  ASSERT_EQ(chosen->size(), 4U);
  EXPECT_EQ((*chosen)[0].plan["name"], "own");
  EXPECT_TRUE((*chosen)[1].plan.is_null());
  EXPECT_EQ((*chosen)[2].plan["all"][0]["at"]["offset"], 9);
  EXPECT_EQ((*chosen)[3].name, "mine");
}

TEST_F(FaultsTest, AreOfDifferentNames) {
  EXPECT_EQ(ErrorOfChoice({"cut", "cut"}), "option --faults: two plans are named 'cut'");
}

TEST_F(FaultsTest, SayWhichOptionNamesWhatThereIsNot) {
  EXPECT_EQ(ErrorOfChoice({"cutt"}), "option --faults: there is no fault plan 'cutt'");
}

TEST_F(FaultsTest, SayThatAFolderOrAPipeIsNoPlan) {
  ASSERT_TRUE(MakeDirectories(Path("mine.yaml")).ok());
  ASSERT_EQ(::mkfifo(Path("pipe.yaml").c_str(), 0600), 0);
  for (const char* name : {"mine.yaml", "pipe.yaml"})
    EXPECT_EQ(ErrorOfChoice({Path(name)}), "option --faults: '" + Path(name) +
                                               "' is no regular file, and so no fault plan");
}

TEST_F(FaultsTest, SayWhichLimitIsNoShortageOnThisMachine) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const std::string hard = std::to_string(limit.rlim_max);
  const std::string plan = "version: 1\nsummary: s\nresource: {nofile: ";
  Write("faults/files.yaml", plan + std::to_string(limit.rlim_max + 1) + "}\n");
  EXPECT_EQ(ErrorOfChoice({"files"}), "files: `nofile: " + std::to_string(limit.rlim_max + 1) +
                                          "` is no shortage: the hard limit here is " + hard);
  Write("faults/files.yaml", plan + hard + "}\n");
  EXPECT_EQ(ErrorOfChoice({"files"}), "");
}

TEST_F(FaultsTest, SayThatNoProcessHasAsManyAddresses) {
  const std::string plan = "version: 1\nsummary: s\nresource: {memory: ";
  Write("faults/much.yaml", plan + "128TiB}\n");
  EXPECT_EQ(ErrorOfChoice({"much"}),
            "much: `memory: 140737488355328` is no shortage: a process has 140737488355328 bytes "
            "of addresses");
  Write("faults/much.yaml", plan + "512MiB}\n");
  EXPECT_EQ(ErrorOfChoice({"much"}), "");
}

TEST_F(FaultsTest, SayWhatCanNeverApply) {
  Write("faults/cut.yaml", "version: 1\nsummary: s\nat: {times: 0}\ndo: {short: 1}\n");
  EXPECT_EQ(ErrorOfChoice({"cut"}), "cut: 'times: 0' can never apply");
}

// What FaultPlanToYaml() writes is taken as a file, and as an item of a scenario's `faults`.
TEST_F(FaultsTest, AreReadBackFromYaml) {
  const Json json = *ParseJson(R"({"name": "minimal", "summary": "it: 'fails'", "all": [
      {"name": "cut.1", "seed": "0x7", "do": {"short": 3},
       "at": {"call": ["recv", "send"], "side": "server", "connection": "a \\[b\\]#0", "offset": 5}},
      {"name": "late", "at": {"probability": 0.25, "after": 1500001}, "do": {"delay": 20000000}},
      {"name": "none-here", "at": {"call": ["getaddrinfo"]}, "do": {"error": "EAI_AGAIN"}},
      {"name": "slow", "network": {"bandwidth": 65536, "latency": 1000}},
      {"name": "back", "time": {"jump": -3600000000000}},
      {"name": "gone", "task": {"cancel": "1.2", "point": 3, "times": 1}}]})",
                               "plan");
  const Result<FaultPlan> plan = FaultPlan::FromJson(json);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const std::string yaml = FaultPlanToYaml(*plan);
  Write("minimal.yaml", yaml);
  const auto chosen = Choose({Path("minimal.yaml")});
  ASSERT_TRUE(chosen.ok()) << chosen.error().message << "\n" << yaml;
  EXPECT_EQ(CanonicalJson((*chosen)[0].plan), CanonicalJson(json)) << yaml;
}

// A run of two cells, each with a trial 0 that suffered one fault at the given byte; negative: none.
class FaultsFromTest : public FaultsTest {
 protected:
  void WriteRun(const std::vector<int>& offsets) const {
    Plan plan;
    plan.seed = 7;
    for (size_t i = 0; i < offsets.size(); ++i) {
      PlannedCell cell = {.id = "cell-" + std::to_string(i), .scenario = "s"};
      cell.fault_plan = {{"name", "p"}, {"all", Json::array()}};
      cell.trials = {0, 1};
      const std::string folder = "run/trials/" + cell.id + "/0/history.trh";
      Write(folder, EncodeHistory(0, EventsAt(offsets[i])));
      plan.cells.push_back(std::move(cell));
    }
    Write("run/plan.json", DumpJson(plan.ToJson()));
  }

  static std::vector<NewEvent> EventsAt(int offset) {
    if (offset < 0) return {};
    return {{.kind = EventKind::kFault,
             .key = "cut",
             .value = {{"do", {{"short", 1}}},
                       {"call", "recv"},
                       {"side", "client"},
                       {"connection", "1#0"},
                       {"offset", offset}}}};
  }
};

TEST_F(FaultsFromTest, AreWhatATrialSuffered) {
  WriteRun({-1, 64});
  const Result<FaultsOfTrial> faults = ReadFaultsFrom(Path("run"), {0});
  ASSERT_TRUE(faults.ok()) << faults.error().message;
  EXPECT_EQ(faults->seed, 7U);
  EXPECT_EQ(faults->choice.option, "--faults-from");
  EXPECT_EQ(faults->choice.argument, Path("run/trials/cell-1/0")) << "what a replay names";
  EXPECT_EQ(faults->choice.plan["all"][0]["at"]["offset"], 64);
}

TEST_F(FaultsFromTest, SayWhatADamagedHistoryLacks) {
  WriteRun({64});
  EXPECT_EQ(ReadFaultsFrom(Path("run"), {0})->missing, "");
  std::vector<NewEvent> events = EventsAt(64);
  events.push_back({.kind = EventKind::kObserve, .key = "last", .value = 1});
  std::string bytes = EncodeHistory(0, events);
  bytes.resize(bytes.size() - 8);
  Write("run/trials/cell-0/0/history.trh", bytes);
  const Result<FaultsOfTrial> faults = ReadFaultsFrom(Path("run"), {0});
  ASSERT_TRUE(faults.ok()) << faults.error().message;
  EXPECT_NE(faults->missing, "");
}

TEST_F(FaultsFromTest, NameTheFileOfAPlanThatIsDamaged) {
  WriteRun({64});
  const std::string file = Path("run/plan.json");
  const auto error_with = [&](const std::string& text) {
    Write("run/plan.json", text);
    return ReadFaultsFrom(Path("run"), {0}).error();
  };
  const Diagnostic half = error_with("{\n \"cells\": [\n");
  const std::string start =
      "option --faults-from: " + file + ": not valid JSON: parse error at line 3";
  EXPECT_EQ(half.message.find(start), 0U)
      << half.message;
  EXPECT_EQ(half.hint,
            "without its whole plan.json nobody can tell what a run suffered: name another run, or "
            "a plan by --faults FILE");
  EXPECT_EQ(error_with("{}").message,
            "option --faults-from: " + file + ": this is no plan: it names no schema");
  EXPECT_EQ(error_with(R"({"schema": "trireme.plan/9"})").hint,
            "this trireme reads trireme.plan/1");
}

TEST_F(FaultsFromTest, AreOfOneCellWhereCellsDiffer) {
  WriteRun({32, 64});
  EXPECT_EQ(ReadFaultsFrom(Path("run"), {0}).error().message,
            "option --faults-from: cells suffered different faults in trial 0 of " + Path("run"));
  const Result<FaultsOfTrial> faults = ReadFaultsFrom(Path("run/trials/cell-1"), {0});
  ASSERT_TRUE(faults.ok());
  EXPECT_EQ(faults->choice.plan["all"][0]["at"]["offset"], 64);
}

TEST_F(FaultsFromTest, AreTheSameWhereCellsAgree) {
  WriteRun({64, 64, -1});
  const Result<FaultsOfTrial> faults = ReadFaultsFrom(Path("run"), {0});
  ASSERT_TRUE(faults.ok()) << faults.error().message;
  EXPECT_EQ(faults->choice.argument, Path("run/trials/cell-0/0"));
  EXPECT_EQ(faults->others, "1 other cell suffered the same, 1 other cell suffered none");
  EXPECT_EQ(ReadFaultsFrom(Path("run/trials/cell-1"), {0})->others, "");
}

TEST_F(FaultsFromTest, AreNothingWhereNoneWasApplied) {
  WriteRun({-1, -1});
  EXPECT_EQ(ReadFaultsFrom(Path("run"), {0}).error().kind, ErrorKind::kNothing);
  EXPECT_EQ(ReadFaultsFrom(Path("run"), {3}).error().kind, ErrorKind::kNothing);
}

TEST_F(FaultsFromTest, SayWhyThereAreNone) {
  WriteRun({-1, -1});
  const auto why = [&](const std::string& path, int64_t trial) {
    return ReadFaultsFrom(Path(path), {trial}).error().message;
  };
  const std::string begin = "option --faults-from: ", run = Path("run");
  EXPECT_EQ(why("run", 0), begin + "no fault was applied in trial 0 of " + run);
  EXPECT_EQ(why("run", 1), begin + "there is no history of trial 1 of " + run);
  EXPECT_EQ(why("run", 3), begin + run + " has no trial 3");
  Plan plan;
  plan.cells.push_back({.id = "cell-0", .scenario = "s"});
  plan.cells[0].trials = {0};
  Write("run/plan.json", DumpJson(plan.ToJson()));
  EXPECT_EQ(why("run", 0), begin + "trial 0 of " + run + " had no plan of faults");
}

TEST_F(FaultsFromTest, AreOfATrialByItsFolder) {
  WriteRun({32, 64});
  const Result<FaultsOfTrial> faults = ReadFaultsFrom(Path("run/trials/cell-1/0"), {5, 6});
  ASSERT_TRUE(faults.ok()) << faults.error().message;
  EXPECT_EQ(faults->choice.plan["all"][0]["at"]["offset"], 64);
}

TEST_F(FaultsFromTest, AreOfOneTrial) {
  WriteRun({64});
  EXPECT_EQ(ReadFaultsFrom(Path("run"), {}).error().message,
            "option --faults-from: of which trial?");
  EXPECT_FALSE(ReadFaultsFrom(Path("run"), {0, 1}).ok());
}

TEST_F(FaultsFromTest, NeedARun) {
  EXPECT_EQ(ReadFaultsFrom(Path("absent"), {0}).error().message,
            "option --faults-from: '" + Path("absent") + "' is no run: it has no plan.json");
}

}  // namespace
}  // namespace trireme
