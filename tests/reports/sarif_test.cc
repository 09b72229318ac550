#include <gtest/gtest.h>

#include <set>

#include "harness/base/strings.h"
#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

using Stack = std::vector<std::string>;

Json SarifRunOf(const RunResults& results) {
  const Result<Json> document = ParseJson(SarifReport(results, {}), "it");
  if (!document.ok()) return {};
  return GetMember(*document, "runs").at(0);
}

// A run in /home/me/app of one cell with one finding of tasks with these stacks.
RunResults FoundAt(const std::vector<Stack>& stacks, const std::string& directory = "") {
  RunResults results;
  results.run = {{"working_directory", "/home/me/app"}, {"version", "1.2.3"}};
  CellResult cell = FailingCell("s", "threading", 3, "multiple-readers", "two wait");
  cell.directory = directory;
  std::vector<Participant>& participants = cell.findings[0].finding.participants;
  participants.clear();
  for (const Stack& stack : stacks)
    participants.push_back(
        {.task = "reader-" + std::to_string(participants.size() + 1), .stack = stack});
  results.cells = {cell};
  return results;
}

Json ResultAt(const std::vector<Stack>& stacks, const std::string& directory = "") {
  return SarifRunOf(FoundAt(stacks, directory)).at("results").at(0);
}

// "URI:LINE" of the first location; "" where there is none in a file.
std::string PlaceIn(const Json& result) {
  const Json& locations = result.at("locations");
  if (locations.empty() || !locations.at(0).contains("physicalLocation")) return "";
  const Json& place = locations.at(0).at("physicalLocation");
  return GetString(place.at("artifactLocation"), "uri") + ":" +
         std::to_string(GetInt(place.at("region"), "startLine"));
}

std::string FunctionAt(const Json& location) {
  return GetString(location.at("logicalLocations").at(0), "fullyQualifiedName");
}

std::string PlaceOfStack(const Stack& stack) { return PlaceIn(ResultAt({stack})); }

TEST(SarifReportTest, HasARuleWithItsHelpForEachKind) {
  const Json driver = SarifRunOf(SampleResults()).at("tool").at("driver");
  std::set<std::string> ids;
  for (const Json& rule : driver.at("rules")) {
    EXPECT_TRUE(ids.insert(rule.at("id")).second) << rule;
    EXPECT_FALSE(GetString(rule.at("shortDescription"), "text").empty()) << rule;
    EXPECT_FALSE(GetString(rule.at("help"), "text").empty()) << rule;
  }
  for (const char* kind : {"multiple-readers", "hub-spin", "deadlock", "shared-token"})
    EXPECT_TRUE(ids.contains(kind)) << kind;
}

TEST(SarifReportTest, PointsFromEachResultToItsRule) {
  const Json run = SarifRunOf(SampleResults());
  const Json& rules = run.at("tool").at("driver").at("rules");
  ASSERT_EQ(run.at("results").size(), 2U);
  for (const Json& result : run.at("results"))
    EXPECT_EQ(rules.at(result.at("ruleIndex").get<size_t>()).at("id"), result.at("ruleId"));
}

TEST(SarifReportTest, MakesARuleForAKindOfALaterVersion) {
  RunResults results = FoundAt({});
  results.cells[0].findings[0].finding.kind = "unheard-of";
  const Json run = SarifRunOf(results);
  EXPECT_EQ(run.at("tool").at("driver").at("rules").back().at("id"), "unheard-of");
  EXPECT_EQ(run.at("results").at(0).at("ruleId"), "unheard-of");
}

TEST(SarifReportTest, TellsOfAFinding) {
  const Json result = ResultAt({{"/home/me/app/a.py:12 in reader"}});
  EXPECT_EQ(result.at("level"), "error");
  EXPECT_EQ(result.at("message").at("text"), "two wait");
  EXPECT_EQ(result.at("partialFingerprints"), (Json{{"triremeSignature/v1", "9f2c"}}));
  EXPECT_EQ(result.at("occurrenceCount"), 3);
  EXPECT_FALSE(result.contains("suppressions"));
  EXPECT_EQ(result.at("properties").at("runtime"), "threading");
}

TEST(SarifReportTest, OnlyNotesWhatIsAdvisory) {
  RunResults results = FoundAt({});
  results.cells[0].findings[0].finding.advisory = true;
  EXPECT_EQ(SarifRunOf(results).at("results").at(0).at("level"), "note");
}

TEST(SarifReportTest, SaysWhyAFindingIsSuppressed) {
  RunResults results = FoundAt({{"a.py:1 in f"}});
  CellResult& cell = results.cells[0];
  cell.suppressed = {{.place = "known.yaml:2", .count = 3, .findings = cell.findings}};
  cell.findings.clear();
  results.suppressions = {
      {.kind = "multiple-readers", .reason = "by design", .place = "known.yaml:2"}};
  const Json result = SarifRunOf(results).at("results").at(0);
  EXPECT_EQ(result.at("level"), "note");
  EXPECT_EQ(result.at("suppressions"),
            (Json::array({{{"kind", "external"}, {"justification", "known.yaml:2: by design"}}})));
  EXPECT_EQ(PlaceIn(result), "a.py:1");
}

TEST(SarifReportTest, CallsNoErrorWhatTheScenarioExpects) {
  RunResults results = FoundAt({{"a.py:1 in f"}});
  EXPECT_EQ(SarifRunOf(results).at("results").at(0).at("level"), "error");
  results.cells[0].expected = true;
  const Json result = SarifRunOf(results).at("results").at(0);
  EXPECT_EQ(result.at("level"), "note");
  EXPECT_EQ(
      result.at("suppressions"),
      (Json::array({{{"kind", "external"}, {"justification", "the scenario expects it"}}})));
}

TEST(SarifReportTest, PlacesAFindingInTheUsersOwnCode) {
  EXPECT_EQ(PlaceOfStack({"/home/me/app/main.py:1 in <module>",
                          "/home/me/app/src/a.py:12 in reader",
                          "lib/python3.11/site-packages/eventlet/greenio/base.py:352 in recv"}),
            "src/a.py:12");
  EXPECT_EQ(PlaceOfStack({"/home/me/app/a.py:12 in call",
                          "lib/python3.11/site-packages/redis/client.py:3 in get"}),
            "a.py:12");
  EXPECT_EQ(PlaceOfStack({"lib/python3.11/site-packages/oslo_log/pipe_mutex.py:60 in acquire"}),
            "lib/python3.11/site-packages/oslo_log/pipe_mutex.py:60");
}

TEST(SarifReportTest, KeepsAPathThatIsNotBelowTheWorkingDirectoryWhole) {
  EXPECT_EQ(PlaceOfStack({"/home/me/application/a.py:2 in f"}),
            "file:///home/me/application/a.py:2");
  EXPECT_EQ(PlaceOfStack({"/home/me/app/../b in c/a.py:2 in f"}),
            "file:///home/me/b%20in%20c/a.py:2");
}

TEST(SarifReportTest, ResolvesWhatIsRelativeToTheFolderOfAScenario) {
  EXPECT_EQ(PlaceIn(ResultAt({{"workload.py:12 in read"}}, "/home/me/app/scenarios/two")),
            "scenarios/two/workload.py:12");
  EXPECT_EQ(PlaceIn(ResultAt({{"workload.py:12 in read"}}, "/usr/share/two")),
            "file:///usr/share/two/workload.py:12");
}

TEST(SarifReportTest, InventsNoPlace) {
  EXPECT_EQ(ResultAt({}).at("locations"), Json::array());
  EXPECT_EQ(ResultAt({{"lib/python3.11/threading.py:992 in run"}}).at("locations"), Json::array());
  EXPECT_EQ(PlaceOfStack({"<string>:3 in f"}), "");
  EXPECT_EQ(PlaceOfStack({"../src/a.cc:3 in Read()"}), "");
  EXPECT_EQ(PlaceOfStack({"a.py:0 in f"}), "");
  EXPECT_EQ(PlaceOfStack({"a.py:99999999999999999999 in f"}), "");
  RunResults nowhere = FoundAt({{"src/a.py:3 in f"}});
  nowhere.run.erase("working_directory");
  EXPECT_EQ(PlaceIn(SarifRunOf(nowhere).at("results").at(0)), "");
  const Json compiled = ResultAt({{"server+0x1b2c in Read()"}});
  EXPECT_EQ(PlaceIn(compiled), "");
  EXPECT_EQ(FunctionAt(compiled.at("locations").at(0)), "Read()");
}

TEST(SarifReportTest, TakesTheUsersFolderForNoInterpreters) {
  EXPECT_EQ(PlaceOfStack({"lib/python/rd.py:3 in f"}), "lib/python/rd.py:3");
  EXPECT_EQ(GetString(ResultAt({{"lib/python/rd.py:3 in f"}})
                          .at("locations")
                          .at(0)
                          .at("physicalLocation")
                          .at("artifactLocation"),
                      "uriBaseId"),
            "WORKINGDIRECTORY");
}

TEST(SarifReportTest, CutsAFrameThatWasMadeToBeLong) {
  std::string frame;
  for (int i = 0; i < 200'000; ++i) frame += " in ";
  EXPECT_EQ(PlaceOfStack({frame}), "");
}

TEST(SarifReportTest, NamesTheOtherParticipants) {
  const Json result =
      ResultAt({{"lib/python3.11/site-packages/x/y.py:1 in g"}, {"a.py:12 in reader"}, {}});
  EXPECT_EQ(PlaceIn(result), "a.py:12");
  EXPECT_EQ(result.at("locations").at(0).at("message").at("text"), "reader-2");
  ASSERT_EQ(result.at("relatedLocations").size(), 1U);
  EXPECT_EQ(result.at("relatedLocations").at(0).at("message").at("text"), "reader-1");
  ASSERT_EQ(result.at("stacks").size(), 2U);
  EXPECT_EQ(result.at("properties").at("participants"),
            (Json{"reader-1", "reader-2", "reader-3"}));
}

TEST(SarifReportTest, HasTheInnermostFrameOfAStackFirst) {
  const Json stack = ResultAt({{"a.py:1 in outer", "a.py:2 in inner"}}).at("stacks").at(0);
  EXPECT_EQ(FunctionAt(stack.at("frames").at(0).at("location")), "inner");
}

TEST(SarifReportTest, NotifiesOfWhatIsNoFinding) {
  const Json invocation = SarifRunOf(SampleResults()).at("invocations").at(0);
  EXPECT_EQ(invocation.at("executionSuccessful"), true);
  std::multiset<std::string> levels;
  for (const Json& one : invocation.at("toolExecutionNotifications"))
    levels.insert(one.at("level"));
  // The note of the run and the unsupported cell; the unknown one; the planted bug that is no longer found.
  EXPECT_EQ(levels, (std::multiset<std::string>{"error", "note", "note", "warning"}));
}

TEST(SarifReportTest, DidNotSucceedWhereTheRunCouldNotGoOn) {
  RunResults results;
  results.infrastructure_failed = true;
  results.infrastructure_reason = "no disk";
  const Json run = SarifRunOf(results);
  EXPECT_EQ(run.at("results"), Json::array());
  EXPECT_EQ(run.at("invocations").at(0).at("executionSuccessful"), false);
}

TEST(SarifReportTest, SurvivesHostileResults) {
  RunResults results = FoundAt({{"\xff\x1b.py:3 in \x1b[2J", "", ":", " in ", "/:1 in x"}});
  results.run = {{"working_directory", "relative\xff"}, {"version", "\x1b"}};
  Finding& finding = results.cells[0].findings[0].finding;
  finding.kind = "";
  finding.message = "a\x1b]0;b\x07\xfe";
  finding.signature = "\x01\xff";
  results.cells[0].scenario = "\x1b\xff";
  const std::string text = SarifReport(results, {});
  EXPECT_TRUE(IsValidUtf8(text));
  EXPECT_EQ(text.find("\\u001b"), std::string::npos) << text;
  EXPECT_TRUE(ParseJson(text, "it").ok());
}

}  // namespace
}  // namespace trireme
