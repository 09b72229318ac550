#include "harness/base/sarif.h"

#include <gtest/gtest.h>

#include "harness/base/strings.h"

namespace trireme {
namespace {

Json RunOfLog(const SarifLog& log) {
  const Result<Json> document = ParseJson(ToSarif(log), "it");
  if (!document.ok()) return {};
  EXPECT_EQ(GetString(*document, "version"), "2.1.0");
  EXPECT_EQ(GetMember(*document, "runs").size(), 1U);
  return GetMember(*document, "runs").at(0);
}

SarifResult ResultAt(SarifLocation location) {
  SarifResult result{.rule = "r", .level = "error", .message = "m"};
  result.locations.push_back(std::move(location));
  return result;
}

Json OneResult(const SarifResult& result) {
  SarifLog log;
  log.rules = {{.id = "q", .level = "note"}, {.id = "r", .level = "error"}};
  log.results = {result};
  return RunOfLog(log).at("results").at(0);
}

TEST(ToSarifTest, PointsFromAResultToItsRule) {
  EXPECT_EQ(OneResult(ResultAt({.file = "a.py"})).at("ruleIndex"), 1);
}

TEST(ToSarifTest, HasNoIndexOfARuleThatIsNotThere) {
  SarifResult result = ResultAt({.file = "a.py"});
  result.rule = "s";
  EXPECT_FALSE(OneResult(result).contains("ruleIndex"));
}

TEST(ToSarifTest, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(OneResult({.rule = "r", .level = "error", .message = "m"}),
            (Json{{"ruleId", "r"},
                  {"ruleIndex", 1},
                  {"level", "error"},
                  {"message", {{"text", "m"}}},
                  {"locations", Json::array()}}));
  const Json location = OneResult(ResultAt({.function = "Echo()"})).at("locations").at(0);
  EXPECT_FALSE(location.contains("physicalLocation"));
  EXPECT_EQ(location.at("logicalLocations").at(0).at("fullyQualifiedName"), "Echo()");
  EXPECT_FALSE(OneResult(ResultAt({.file = "a.py"}))
                   .at("locations")
                   .at(0)
                   .at("physicalLocation")
                   .contains("region"));
}

TEST(ToSarifTest, SaysWhatPathsAreRelativeTo) {
  SarifLog log;
  log.root_base = "HERE";
  log.root = "/a b";
  log.results = {ResultAt({.file = "c.py", .base = "HERE"})};
  const Json run = RunOfLog(log);
  EXPECT_EQ(run.at("originalUriBaseIds"), (Json{{"HERE", {{"uri", "file:///a%20b/"}}}}));
  const Json& location = run.at("results").at(0).at("locations").at(0);
  EXPECT_EQ(location.at("physicalLocation").at("artifactLocation"),
            (Json{{"uri", "c.py"}, {"uriBaseId", "HERE"}}));
}

TEST(ToSarifTest, NumbersRelatedLocations) {
  SarifResult result = ResultAt({.file = "a.py"});
  result.related = {{.file = "b.py", .description = "one"}, {.file = "c.py", .description = "two"}};
  const Json related = OneResult(result).at("relatedLocations");
  EXPECT_EQ(related.at(0).at("id"), 1);
  EXPECT_EQ(related.at(1).at("id"), 2);
  EXPECT_EQ(related.at(1).at("message").at("text"), "two");
}

TEST(ToSarifTest, KeepsControlBytesAndBrokenTextOut) {
  SarifResult result = ResultAt({.file = "\xff\x1b.py", .function = "f\x1b[2J"});
  result.message = "a\x1b[31m\xc3(\x7f\nb";
  result.suppressed = {"why\x07"};
  result.fingerprint_name = "n/v1";
  result.fingerprint = "9f\x01";
  result.properties = {{"task", "\xfe"}};
  SarifLog log;
  log.results = {result};
  log.notifications = {{.level = "note", .message = "\x1b]0;x\x07"}};
  const std::string text = ToSarif(log);
  EXPECT_TRUE(IsValidUtf8(text));
  for (const char* hostile : {"\x1b", "\\u001b", "\x07", "\\u0007", "\x7f", "\\u0001"})
    EXPECT_EQ(text.find(hostile), std::string::npos) << text;
  EXPECT_EQ(OneResult(result).at("message").at("text"), "a[31m\xef\xbf\xbd(\nb");
}

TEST(UriOfTest, EscapesWhatIsNoPartOfAUri) {
  EXPECT_EQ(UriOf("a/b-c_d.~1.py"), "a/b-c_d.~1.py");
  EXPECT_EQ(UriOf("/a/b.py"), "file:///a/b.py");
  EXPECT_EQ(UriOf("c:#?% \xc3\xa9.py"), "c%3A%23%3F%25%20%C3%A9.py");
}

}  // namespace
}  // namespace trireme
