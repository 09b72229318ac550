#include "harness/scan/sarif.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/base/json.h"

namespace trireme {
namespace {

Json RunOf(const HackScan& scan) {
  const Result<Json> document = ParseJson(HacksAsSarif(scan, "1.2.3"), "it");
  if (!document.ok()) return {};
  EXPECT_EQ(GetString(*document, "version"), "2.1.0");
  EXPECT_EQ(GetMember(*document, "runs").size(), 1U);
  return GetMember(*document, "runs").at(0);
}

Hack Lock() {
  return {.file = "a b/c.py",
          .line = 3,
          .column = 5,
          .end_line = 3,
          .end_column = 10,
          .kind = FindHackKind("pipe-mutex"),
          .symbol = "class M"};
}

TEST(HacksAsSarifTest, NamesTheToolAndItsRules) {
  const Json driver = RunOf({}).at("tool").at("driver");
  EXPECT_EQ(driver.at("name"), "trireme");
  EXPECT_EQ(driver.at("version"), "1.2.3");
  ASSERT_EQ(driver.at("rules").size(), HackKinds().size());
  const std::set<std::string> levels = {"none", "note", "warning", "error"};
  for (const Json& rule : driver.at("rules")) {
    EXPECT_FALSE(GetString(rule, "id").empty());
    EXPECT_FALSE(GetString(GetMember(rule, "shortDescription"), "text").empty());
    EXPECT_TRUE(levels.contains(rule.at("defaultConfiguration").at("level"))) << rule;
  }
}

TEST(HacksAsSarifTest, PlacesAResultAndNamesItsRule) {
  const Json run = RunOf({.scanned = 1, .findings = {Lock()}});
  ASSERT_EQ(run.at("results").size(), 1U);
  const Json& result = run.at("results").at(0);
  EXPECT_EQ(result.at("ruleId"), "pipe-mutex");
  const auto index = result.at("ruleIndex").get<size_t>();
  EXPECT_EQ(run.at("tool").at("driver").at("rules").at(index).at("id"), "pipe-mutex");
  EXPECT_EQ(result.at("message").at("text"), Lock().Message());
  const Json& place = result.at("locations").at(0).at("physicalLocation");
  EXPECT_EQ(place.at("artifactLocation").at("uri"), "a%20b/c.py");
  EXPECT_EQ(place.at("region"),
            (Json{{"startLine", 3}, {"startColumn", 5}, {"endLine", 3}, {"endColumn", 10}}));
  EXPECT_EQ(run.at("columnKind"), "unicodeCodePoints");
}

TEST(HacksAsSarifTest, HasAnEmptyListOfResultsWhereNothingIs) {
  const Json run = RunOf({});
  EXPECT_EQ(run.at("results"), Json::array());
  EXPECT_EQ(run.at("invocations").at(0).at("executionSuccessful"), true);
}

TEST(HacksAsSarifTest, TellsWhatWasNotScanned) {
  const Json run = RunOf({.unscanned = {{.file = "a.py", .line = 2, .reason = "why"}}});
  const Json& invocation = run.at("invocations").at(0);
  EXPECT_EQ(invocation.at("executionSuccessful"), false);
  EXPECT_EQ(invocation.at("toolExecutionNotifications").at(0).at("message").at("text"),
            "not scanned: why");
}

TEST(HacksAsSarifTest, IsUtf8WhateverAFileIsCalled) {
  Hack hack = Lock();
  hack.file = "\xff.py";
  hack.symbol = "\xff";
  EXPECT_EQ(HacksAsSarif({.findings = {hack}}, "1").find('\xff'), std::string::npos);
}

}  // namespace
}  // namespace trireme
