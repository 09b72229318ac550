#include "harness/check/results.h"

#include <gtest/gtest.h>

#include "harness/base/rng.h"
#include "tests/harness/check/json_schema.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

CellResult Cell(CellState state, bool expected) {
  CellResult cell;
  cell.id = "planted.x-threading-3.11-1f0c";
  cell.scenario = "planted/x";
  cell.runtime = "threading";
  cell.model = "native";
  cell.state = state;
  cell.expected = expected;
  cell.trials = {.planned = 20, .executed = 20, .pass = 13, .fail = 7, .unknown = 0};
  return cell;
}

RunResults RunOf(const std::vector<CellResult>& cells) {
  RunResults results;
  results.cells = cells;
  return results;
}

RunResults FullRun() {
  CellResult cell = Cell(CellState::kFail, true);
  cell.params = {{"tasks", 4}};
  cell.interpreter = "3.11";
  cell.reference = "eventlet/3.11";
  cell.outcomes = {{"fifo", 13}};
  cell.seconds = 4.25;
  cell.metrics = {
      {"wall_seconds",
       {{"unit", "seconds"}, {"n", 20}, {"min", 0.1}, {"p50", 0.2}, {"p99", 0.3}, {"max", 0.3}}}};
  cell.comparison = Json::array({{{"key", "total"},
                                  {"rule", "exact"},
                                  {"verdict", "difference"},
                                  {"here", {{"39", 20}}},
                                  {"there", {{"40", 20}}}}});
  CellFinding found{.finding = {}, .count = 7, .first_trial = 2};
  found.finding.check = "lost-update";
  found.finding.kind = "lost-update";
  found.finding.message = "'total' is 39";
  found.finding.signature = "00ff";
  found.finding.participants = {{.task = "a", .thread = 7, .stack = {"workload.py:3 in add"}}};
  found.finding.evidence = {{"final", 39}};
  cell.findings = {found};
  cell.suppressed = {{.place = "known.yaml:1", .count = 2, .findings = {found}}};
  cell.directory = "/home/me/scenarios/x";
  cell.notes = {"isolation: process"};
  cell.replay = "trireme run planted/x --trial 2";
  RunResults results =
      RunOf({cell, Cell(CellState::kUnsupported, true), Cell(CellState::kUnknown, false)});
  results.run = {{"id", "abc"}, {"seed", "0x5eed"}, {"seconds", 1.5}};
  results.notes = {"budget spent"};
  return results;
}

TEST(RunResultsTest, ExitsByTheFirstThatHolds) {
  const CellResult pass = Cell(CellState::kPass, true);
  const CellResult planted = Cell(CellState::kFail, true);
  const CellResult surprise = Cell(CellState::kPass, false);
  const CellResult unknown = Cell(CellState::kUnknown, false);
  const CellResult unsupported = Cell(CellState::kUnsupported, true);
  EXPECT_EQ(RunOf({pass, planted, unsupported}).exit_code(), 0);
  EXPECT_EQ(RunOf({pass, unknown}).exit_code(), 4);
  EXPECT_EQ(RunOf({pass, unknown, surprise}).exit_code(), 1);
  EXPECT_EQ(RunOf({}).exit_code(), 4);
  EXPECT_EQ(RunOf({unsupported}).exit_code(), 4);

  RunResults broken = RunOf({surprise});
  broken.infrastructure_failed = true;
  EXPECT_EQ(broken.exit_code(), 3);
  broken.interrupted = true;
  EXPECT_EQ(broken.exit_code(), 130);
}

TEST(RunResultsTest, HasTheVerdictOfItsExitCode) {
  EXPECT_EQ(RunOf({Cell(CellState::kFail, true)}).verdict(), Verdict::kPass);
  EXPECT_EQ(RunOf({Cell(CellState::kFail, false)}).verdict(), Verdict::kFail);
  EXPECT_EQ(RunOf({Cell(CellState::kUnknown, false)}).verdict(), Verdict::kUnknown);
}

TEST(RunResultsTest, CountsCellsByVerdict) {
  const RunTotals totals = FullRun().totals();
  EXPECT_EQ(totals.cells_planned, 3);
  EXPECT_EQ(totals.cells_executed, 2);
  EXPECT_EQ(totals.fail, 1);
  EXPECT_EQ(totals.unsupported, 1);
  EXPECT_EQ(totals.unknown, 1);
  EXPECT_EQ(totals.unexpected, 1);
  EXPECT_EQ(totals.trials_executed, 60);
}

TEST(RunResultsTest, ComesBackFromItsJson) {
  const Json json = FullRun().ToJson();
  const Result<RunResults> back = RunResults::FromJson(json);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(DumpJson(back->ToJson()), DumpJson(json));
}

TEST(RunResultsTest, RemembersWhyItStopped) {
  RunResults results = FullRun();
  results.infrastructure_failed = true;
  results.infrastructure_reason = "the disk is full";
  const Result<RunResults> back = RunResults::FromJson(results.ToJson());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->infrastructure_reason, "the disk is full");
  EXPECT_EQ(back->exit_code(), 3);
}

TEST(RunResultsTest, CallsACellUnknownThatLacksItsVerdict) {
  const Result<RunResults> back = RunResults::FromJson(Json::parse(
      R"({"schema": "trireme.results/1", "cells": [{"id": "x", "expected": true}, 7]})"));
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->cells.size(), 2U);
  EXPECT_EQ(back->cells[0].state, CellState::kUnknown);
  EXPECT_EQ(back->exit_code(), 4);
  EXPECT_EQ(back->notes,
            std::vector<std::string>{"2 cells have no verdict in the results: unknown"});
}

TEST(RunResultsTest, RefusesWhatIsNoResults) {
  EXPECT_EQ(RunResults::FromJson(Json::parse("[]")).error().message,
            "the results are no JSON object");
  EXPECT_FALSE(RunResults::FromJson(Json::object()).ok());
  EXPECT_EQ(RunResults::FromJson({{"schema", "trireme.results/2"}}).error().message,
            "results of schema trireme.results/2, this version reads trireme.results/1");
}

TEST(RunResultsTest, KeepsToItsSchema) {
  EXPECT_EQ(SchemaProblem(ResultsSchema(), FullRun().ToJson()), "");
  EXPECT_EQ(SchemaProblem(ResultsSchema(), RunOf({}).ToJson()), "");
}

TEST(ResultsSchemaTest, RejectsWhatIsMissingOrMistyped) {
  Json json = FullRun().ToJson();
  json["cells"][0].erase("verdict");
  EXPECT_EQ(SchemaProblem(ResultsSchema(), json), "$.cells[0]: no member verdict");
  json = FullRun().ToJson();
  json["cells"][0]["trials"]["fail"] = -1;
  EXPECT_EQ(SchemaProblem(ResultsSchema(), json), "$.cells[0].trials.fail: below the minimum");
  json["cells"][0]["trials"]["fail"] = "seven";
  EXPECT_EQ(SchemaProblem(ResultsSchema(), json), "$.cells[0].trials.fail: wrong type");
}

// Any change of a document is read without a crash, and what was read comes back: up to 4,000
// of them, seed 1.
TEST(RunResultsTest, ReadsMutatedDocuments) {
  const std::string text = DumpJson(FullRun().ToJson());
  Rng rng(1);
  for (int i = 0; i < Rounds(4000); ++i) {
    std::string mutated = text;
    for (uint64_t change = 0; change <= rng.Below(3); ++change) {
      mutated[rng.Below(mutated.size())] = "0123456789-{}[]\":,ntf e"[rng.Below(23)];
    }
    const Result<Json> json = ParseJson(mutated, "results.json");
    if (!json.ok()) continue;
    const Result<RunResults> results = RunResults::FromJson(*json);
    if (!results.ok()) continue;
    const Json once = results->ToJson();
    EXPECT_EQ(DumpJson(RunResults::FromJson(once)->ToJson()), DumpJson(once)) << mutated;
  }
}

}  // namespace
}  // namespace trireme
