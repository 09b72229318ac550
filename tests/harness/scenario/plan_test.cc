#include "harness/scenario/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/harness/scenario/testing.h"

namespace trireme {
namespace {

using testing::Complete;
using testing::ScenarioFolder;
using testing::TestVocabulary;

constexpr const char* kPythonOnly = "version: 1\nsummary: s\nworkload: {python: workload.py}\n";

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    options_.seed = 0x5eed;
    options_.interpreters = {{.name = "3.11", .path = "/usr/bin/python3.11"}};
  }

  Scenario Parse(const std::string& text) {
    Result<Scenario> scenario = folder_.Parse(text);
    EXPECT_TRUE(scenario.ok()) << folder_.ErrorOf(text);
    return scenario.ok() ? *std::move(scenario) : Scenario{};
  }

  // The plan of one scenario, which must work.
  Plan PlanOf(const std::string& text) {
    Result<Plan> plan = MakePlan({Parse(text)}, options_, TestVocabulary());
    EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().Render());
    return plan.ok() ? *std::move(plan) : Plan{};
  }
  std::string ErrorOf(const std::string& text) {
    const Result<Plan> plan = MakePlan({Parse(text)}, options_, TestVocabulary());
    return plan.ok() ? "" : plan.error().Render();
  }

  ScenarioFolder folder_;
  PlanOptions options_;
};

std::string NameOf(const PlannedCell& cell) {
  return cell.interpreter.empty() ? cell.runtime : cell.runtime + "/" + cell.interpreter;
}

// "threading/3.11>eventlet/3.11" for each cell, with a * behind one that was added as reference.
std::string References(const Plan& plan) {
  std::string out;
  for (const PlannedCell& cell : plan.cells) {
    const auto reference =
        std::find_if(plan.cells.begin(), plan.cells.end(),
                     [&](const PlannedCell& other) { return other.id == cell.reference; });
    EXPECT_EQ(cell.reference_name, reference == plan.cells.end() ? "" : NameOf(*reference));
    out += NameOf(cell) + ">" + cell.reference_name;
    out += cell.role == "reference" ? "*\n" : "\n";
  }
  return out;
}

TEST_F(PlanTest, PlansPythonOncePerInterpreterAndCppOnce) {
  options_.interpreters.push_back({.name = "3.13", .path = "/usr/bin/python3.13"});
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [eventlet, asyncio, thread]\n"))),
            "eventlet/3.11>eventlet/3.11\n"
            "eventlet/3.13>eventlet/3.13\n"
            "asyncio/3.11>eventlet/3.11\n"
            "asyncio/3.13>eventlet/3.13\n"
            "thread>eventlet/3.11\n");
}

TEST_F(PlanTest, AddsTheReferenceThatASelectionLeavesOut) {
  options_.interpreters.push_back({.name = "3.13", .path = "/usr/bin/python3.13"});
  options_.runtimes = {"asyncio"};
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [eventlet, asyncio]\n"))),
            "asyncio/3.11>eventlet/3.11\n"
            "asyncio/3.13>eventlet/3.13\n"
            "eventlet/3.11>eventlet/3.11*\n"
            "eventlet/3.13>eventlet/3.13*\n");
}

TEST_F(PlanTest, AddsOneReferenceForCppAlone) {
  options_.interpreters.push_back({.name = "3.13", .path = "/usr/bin/python3.13"});
  options_.runtimes = {"fiber"};
  EXPECT_EQ(References(PlanOf(Complete(""))),
            "fiber>eventlet/3.11\neventlet/3.11>eventlet/3.11*\n");
}

TEST_F(PlanTest, ComparesWithTheFirstDefaultThatIsAllowed) {
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [asyncio, fiber, thread]\n"))),
            "asyncio/3.11>thread\nthread>thread\nfiber>thread\n");
}

TEST_F(PlanTest, ComparesWithTheNextWhenTheFirstCanRunNowhere) {
  options_.unhostable = {{"eventlet", "/usr/bin/python3.11", "eventlet is not installed"}};
  const Plan plan = PlanOf(Complete("runtimes: [eventlet, threading]\n"));
  EXPECT_EQ(References(plan), "eventlet/3.11>threading/3.11\nthreading/3.11>threading/3.11\n");
  EXPECT_EQ(plan.cells[0].unsupported, "eventlet is not installed");
  EXPECT_EQ(plan.cells[1].replay,
            "trireme run hazards/test --runtimes threading --interpreters 3.11 --seed 0x5eed "
            "--reference threading");
  EXPECT_EQ(plan.notes,
            (std::vector<std::string>{"threading is the reference instead of eventlet, which "
                                      "cannot run here: eventlet is not installed"}));
}

TEST_F(PlanTest, KeepsAReferenceThatRunsOnOneInterpreter) {
  options_.interpreters.push_back({.name = "3.13", .path = "/usr/bin/python3.13"});
  options_.unhostable = {{"eventlet", "/usr/bin/python3.11", "eventlet is not installed"}};
  const Plan plan = PlanOf(Complete("runtimes: [eventlet, threading]\n"));
  EXPECT_EQ(plan.cells[0].unsupported, "eventlet is not installed");
  EXPECT_EQ(plan.cells[1].unsupported, "");
  EXPECT_EQ(plan.cells[2].reference_name, "eventlet/3.11");
  EXPECT_EQ(plan.notes, std::vector<std::string>());
}

TEST_F(PlanTest, KeepsAReferenceThatWasNamedAlsoWhereItCannotRun) {
  options_.unhostable = {{"eventlet", "/usr/bin/python3.11", "eventlet is not installed"}};
  const std::string named = "runtimes: [eventlet, threading]\n";
  const std::string wanted = "eventlet/3.11>eventlet/3.11\nthreading/3.11>eventlet/3.11\n";
  EXPECT_EQ(References(PlanOf(Complete(named + "reference: eventlet\n"))), wanted);
  options_.reference = "eventlet";
  EXPECT_EQ(References(PlanOf(Complete(named))), wanted);
}

TEST_F(PlanTest, ComparesWithCppWhereThereIsNoPython) {
  options_.interpreters.clear();
  options_.runtimes = {"fiber"};
  EXPECT_EQ(References(PlanOf(Complete(""))), "fiber>thread\nthread>thread*\n");
}

TEST_F(PlanTest, WantsPythonForAReferenceToo) {
  const Scenario both = Parse(Complete(""));
  EXPECT_TRUE(PlansPython(both, {.runtimes = {"fiber"}}, TestVocabulary()));
  EXPECT_FALSE(PlansPython(both, {.runtimes = {"fiber"}, .reference = "thread"}, TestVocabulary()));
  EXPECT_FALSE(PlansPython(Parse(Complete("runtimes: [fiber, thread]\n")), {}, TestVocabulary()));
}

TEST_F(PlanTest, ComparesWithTheReferenceThatTheScenarioNames) {
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [eventlet, asyncio]\nreference: asyncio\n"))),
            "eventlet/3.11>asyncio/3.11\nasyncio/3.11>asyncio/3.11\n");
}

TEST_F(PlanTest, PrefersTheReferenceThatTheUserNames) {
  options_.reference = "threading";
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [eventlet, threading]\nreference: eventlet\n"))),
            "eventlet/3.11>threading/3.11\nthreading/3.11>threading/3.11\n");
}

TEST_F(PlanTest, AddsTheInterpreterThatAReferenceIsFixedTo) {
  options_.other_interpreters = {{.name = "3.13", .path = "/usr/bin/python3.13"}};
  EXPECT_EQ(References(PlanOf(Complete("runtimes: [eventlet]\nreference: eventlet/3.13\n"))),
            "eventlet/3.11>eventlet/3.13\neventlet/3.13>eventlet/3.13*\n");
}

TEST_F(PlanTest, CallsAReferenceWithoutItsInterpreterUnsupported) {
  const Plan plan = PlanOf(Complete("runtimes: [eventlet]\nreference: eventlet/3.13\n"));
  ASSERT_EQ(plan.cells.size(), 2U);
  EXPECT_EQ(plan.cells[1].unsupported, "no interpreter 3.13 was found: run 'trireme setup'");
}

TEST_F(PlanTest, SaysThatNothingIsTheReference) {
  const Plan plan = PlanOf(Complete("runtimes: [asyncio, coroutine]\n"));
  EXPECT_EQ(References(plan), "asyncio/3.11>\ncoroutine>\n");
  EXPECT_EQ(plan.notes,
            (std::vector<std::string>{
                "hazards/test: none of eventlet, threading, thread and fiber is among its "
                "runtimes, so nothing is its reference and equivalence cannot be decided"}));
}

TEST_F(PlanTest, CallsPythonWithoutAnInterpreterUnsupported) {
  options_.interpreters.clear();
  const Plan plan = PlanOf(Complete("runtimes: [eventlet, thread]\n"));
  ASSERT_EQ(plan.cells.size(), 2U);
  EXPECT_EQ(plan.cells[0].unsupported, "no Python interpreter was found: run 'trireme setup'");
  EXPECT_EQ(plan.cells[1].unsupported, "");
}

TEST_F(PlanTest, CallsAMissingCapabilityUnsupported) {
  options_.missing_capabilities = {{"ipv6", "no address ::1"}};
  EXPECT_EQ(PlanOf(Complete("runtimes: [thread]\nrequires: [ipv6]\n")).cells[0].unsupported,
            "needs ipv6: no address ::1");
  EXPECT_EQ(PlanOf(Complete("runtimes: [thread]\nrequires: [fork]\n")).cells[0].unsupported, "");
}

TEST_F(PlanTest, MultipliesTheMatrixOut) {
  const Plan plan =
      PlanOf(Complete("runtimes: [thread]\nparams: {n: 1}\nmatrix: {a: [1, 2], b: [x, y]}\n"));
  std::string params;
  for (const PlannedCell& cell : plan.cells) params += DumpJson(cell.params) + "\n";
  EXPECT_EQ(params,
            "{\"n\":1,\"a\":1,\"b\":\"x\"}\n{\"n\":1,\"a\":1,\"b\":\"y\"}\n"
            "{\"n\":1,\"a\":2,\"b\":\"x\"}\n{\"n\":1,\"a\":2,\"b\":\"y\"}\n");
}

TEST_F(PlanTest, FixesAnAxisByParam) {
  options_.params = {{"a", 2}};
  const Plan plan = PlanOf(Complete("runtimes: [thread]\nmatrix: {a: [1, 2, 3]}\n"));
  ASSERT_EQ(plan.cells.size(), 1U);
  EXPECT_EQ(DumpJson(plan.cells[0].params), "{\"a\":2}");
}

TEST_F(PlanTest, NamesCellsReadably) {
  const Plan plan = PlanOf(
      Complete("runtimes: [eventlet, thread]\nmatrix: {kind: [tcp, \"a/b c\"], n: [[1]]}\n"));
  std::string ids;
  for (const PlannedCell& cell : plan.cells) ids += cell.id.substr(0, cell.id.rfind('-')) + "\n";
  EXPECT_EQ(ids,
            "hazards.test-tcp-eventlet-3.11\nhazards.test-tcp-thread\n"
            "hazards.test-a.b-c-eventlet-3.11\nhazards.test-a.b-c-thread\n");
}

// These ids are in people's run directories, dashboards and replay lines: they may not change.
TEST_F(PlanTest, KeepsTheIdsOfEarlierVersions) {
  const Plan plan = PlanOf(Complete("runtimes: [eventlet, thread]\nparams: {b: 1, a: x}\n"));
  EXPECT_EQ(plan.cells[0].id, "hazards.test-eventlet-3.11-c383");
  EXPECT_EQ(plan.cells[1].id, "hazards.test-thread-8b7c");
}

TEST_F(PlanTest, GivesTheSameIdsInAnotherFolder) {
  const std::string text = Complete("params: {a: 1}\n");
  const ScenarioFolder elsewhere;
  const Result<Plan> plan = MakePlan({*elsewhere.Parse(text)}, options_, TestVocabulary());
  ASSERT_TRUE(plan.ok());
  const Plan here = PlanOf(text);
  for (size_t i = 0; i < here.cells.size(); ++i) EXPECT_EQ(plan->cells[i].id, here.cells[i].id);
}

TEST_F(PlanTest, ScalesTrialsByProfile) {
  const auto trials_of = [&](const std::string& profile) {
    options_.profile = profile;
    return PlanOf(Complete("runtimes: [thread]\ntrials: 25\n")).cells[0].trials.size();
  };
  EXPECT_EQ(trials_of(""), 25U);
  EXPECT_EQ(trials_of("ci"), 25U);
  EXPECT_EQ(trials_of("quick"), 3U);
  EXPECT_EQ(trials_of("nightly"), 250U);
}

TEST_F(PlanTest, PicksTrialsOfTheSubjectOnly) {
  options_.runtimes = {"fiber"};
  options_.only_trials = {4, 1};
  const Plan plan = PlanOf(Complete("trials: 5\n"));
  ASSERT_EQ(plan.cells.size(), 2U);
  EXPECT_EQ(plan.cells[0].trials, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(plan.cells[0].trials_of_plan, 5);
  EXPECT_EQ(plan.cells[1].trials, (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(PlanTest, AcceptsTheLastTrial) {
  options_.only_trials = {4};
  EXPECT_EQ(ErrorOf(Complete("trials: 5\n")), "");
}

TEST_F(PlanTest, RejectsATrialBeyondThePlan) {
  options_.only_trials = {5};
  EXPECT_EQ(ErrorOf(Complete("trials: 5\n")),
            "error: --trial 5 is not in the plan\nhint: its trials are 0 to 4\n");
}

TEST_F(PlanTest, RejectsAnUnknownRuntime) {
  options_.runtimes = {"threding"};
  EXPECT_EQ(ErrorOf(Complete("")),
            "error: --runtimes: unknown runtime 'threding'\nhint: did you mean 'threading'?\n");
}

TEST_F(PlanTest, RejectsARuntimeOfALaterVersion) {
  options_.runtimes = {"greenlet"};
  EXPECT_EQ(ErrorOf(Complete("")), "error: --runtimes: runtime 'greenlet' is not available yet\n");
}

TEST_F(PlanTest, RejectsARuntimeThatNoScenarioAllows) {
  options_.runtimes = {"thread"};
  EXPECT_EQ(ErrorOf(kPythonOnly),
            "error: --runtimes: no chosen scenario allows runtime 'thread'\n"
            "hint: they allow asyncio, eventlet, threading\n");
}

TEST_F(PlanTest, RejectsAReferenceThatNoScenarioAllows) {
  options_.reference = "thread";
  EXPECT_EQ(ErrorOf(kPythonOnly),
            "error: --reference: no chosen scenario allows runtime 'thread'\n"
            "hint: they allow asyncio, eventlet, threading\n");
}

TEST_F(PlanTest, RejectsAParamThatNoScenarioHas) {
  options_.params = {{"round", 1}};
  EXPECT_EQ(ErrorOf(Complete("params: {rounds: 2}\n")),
            "error: --param round: no chosen scenario has this param\n"
            "hint: did you mean 'rounds'?\n");
}

TEST_F(PlanTest, RejectsAParamOfAnotherType) {
  options_.params = {{"rounds", "many"}};
  EXPECT_EQ(ErrorOf(Complete("params: {rounds: 2}\n")),
            "error: --param rounds=many: in hazards/test it is a number, not text\n");
}

TEST_F(PlanTest, RejectsImpossibleTrials) {
  options_.trials = 0;
  EXPECT_EQ(ErrorOf(Complete("")), "error: --trials must be from 1 to 1000000, not 0\n");
}

TEST_F(PlanTest, RejectsAnImpossibleTimeout) {
  options_.timeout = 0;
  EXPECT_EQ(ErrorOf(Complete("")), "error: --timeout must be from 1ms to 24h00m, not 0us\n");
}

TEST_F(PlanTest, RejectsAPlanOfTooManyTrials) {
  options_.trials = 1'000'000;
  EXPECT_EQ(ErrorOf(Complete("runtimes: [thread]\n"
                             "matrix: {a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n")),
            "error: this plans more than 10000000 trials\nhint: ask for fewer --trials\n");
}

TEST_F(PlanTest, KeepsAScenarioWithOneOfTheTags) {
  options_.tags = {"slow", "hazard"};
  EXPECT_EQ(ErrorOf(Complete("tags: [hazard]\n")), "");
}

TEST_F(PlanTest, SaysWhichTagIsMissing) {
  options_.tags = {"hazrd"};
  const Result<Plan> plan =
      MakePlan({Parse(Complete("tags: [hazard]\n"))}, options_, TestVocabulary());
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kNothing);
  EXPECT_EQ(plan.error().Render(),
            "error: no scenario has the tag hazrd\nhint: did you mean 'hazard'?\n");
}

TEST_F(PlanTest, CallsNoScenarioNothing) {
  const Result<Plan> plan = MakePlan({}, options_, TestVocabulary());
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kNothing);
}

TEST_F(PlanTest, RejectsTwoCellsOfOneId) {
  const Scenario scenario = Parse(Complete("runtimes: [thread]\n"));
  const Result<Plan> plan = MakePlan({scenario, scenario}, options_, TestVocabulary());
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kUsage);
}

TEST_F(PlanTest, SaysNothingWhenTrialsSufficeForARate) {
  const Plan plan =
      PlanOf(Complete("trials: 228\nexpect: {threading: {verdict: fail, rate: 0.02..1}}\n"));
  EXPECT_EQ(plan.notes, std::vector<std::string>());
}

TEST_F(PlanTest, SaysThatTrialsAreTooFewForARate) {
  const Plan plan =
      PlanOf(Complete("trials: 227\nexpect: {threading: {verdict: fail, rate: 0.02..1}}\n"));
  EXPECT_EQ(plan.notes,
            (std::vector<std::string>{"hazards/test on threading: 227 trials may not decide a rate "
                                      "of 0.02..1: 228 always do"}));
}

TEST_F(PlanTest, SaysThatASelectionDecidesNoRate) {
  options_.runtimes = {"threading"};
  options_.only_trials = {3};
  const Plan plan =
      PlanOf(Complete("trials: 228\nexpect: {threading: {verdict: fail, rate: 0.02..1}}\n"));
  EXPECT_EQ(plan.notes, (std::vector<std::string>{
                            "hazards/test on threading: 1 of 228 trials chosen: the rate of "
                            "0.02..1 is not judged, pass and fail are both expected"}));
}

TEST_F(PlanTest, SurvivesTheWayThroughJson) {
  const Plan plan =
      PlanOf(Complete("matrix: {a: [1, 2]}\n"
                      "checks: [leak, {overlap: {ops: [x]}}]\n"
                      "compare: {k: set}\n"
                      "memory: 1GiB\n"
                      "exclusive: true\n"
                      "expect:\n"
                      "  green: {verdict: fail, rate: 0.5..1, findings: [hang]}\n"
                      "  native: {outcome: o, finding: crash}\n"));
  EXPECT_EQ(plan.cells.size(), 12U);
  const Result<Json> json = ParseJson(DumpJson(plan.ToJson(), 1), "plan.json");
  ASSERT_TRUE(json.ok());
  const Result<Plan> again = Plan::FromJson(*json);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(DumpJson(again->ToJson(), 1), DumpJson(plan.ToJson(), 1));
}

TEST(PlanJsonTest, RejectsWhatIsNoPlan) {
  const auto error_of = [](const char* text) {
    return Plan::FromJson(*ParseJson(text, "plan.json")).error().Render();
  };
  EXPECT_EQ(error_of("[]"), "error: this is no plan: it names no schema\n");
  EXPECT_EQ(error_of(R"({"schema": "trireme.plan/2"})"),
            "error: unknown schema 'trireme.plan/2'\nhint: this trireme reads trireme.plan/1\n");
  EXPECT_EQ(error_of(R"({"schema": "trireme.plan/1", "seed": "x", "cells": []})"),
            "error: this plan has no seed or no cells\n");
  EXPECT_EQ(error_of(R"({"schema": "trireme.plan/1", "seed": "0x1", "cells": [7]})"),
            "error: a cell of this plan has no id\n");
}

TEST(PlanJsonTest, FillsInWhatIsMissing) {
  const auto plan = Plan::FromJson(*ParseJson(R"({"schema": "trireme.plan/1", "seed": "0x1",
                     "cells": [{"id": "a", "trials": [0, "x", -1], "params": 7}]})",
                                              "plan.json"));
  ASSERT_TRUE(plan.ok());
  const PlannedCell& cell = plan->cells[0];
  EXPECT_EQ(cell.trials, (std::vector<int64_t>{0}));
  EXPECT_TRUE(cell.params.is_object());
  EXPECT_EQ(cell.role, "subject");
  EXPECT_EQ(cell.expectation.verdicts, (std::vector<std::string>{"pass"}));
  EXPECT_EQ(cell.max_unknown, 0.05);
}

constexpr const char* kCutFault = "{name: cut, do: {reset: true}}";

TEST_F(PlanTest, PlansACellForEachFaultPlan) {
  const Plan plan = PlanOf(
      Complete("runtimes: [threading, thread]\nfaults: [none, " + std::string(kCutFault) + "]\n"));
  ASSERT_EQ(plan.cells.size(), 4U);
  EXPECT_TRUE(plan.cells[0].faults.empty());
  EXPECT_TRUE(plan.cells[0].fault_plan.is_null());
  EXPECT_EQ(plan.cells[2].faults, Json::array({"cut"}));
  EXPECT_EQ(plan.cells[2].fault_plan["all"][0]["do"]["reset"], true);
  EXPECT_NE(plan.cells[0].id, plan.cells[2].id);
  EXPECT_NE(plan.cells[2].id.find("-cut-"), std::string::npos) << plan.cells[2].id;
}

// What begins when every trial is over would be planned, and never seen.
TEST_F(PlanTest, RefusesAFaultThatBeginsAfterTheTimeout) {
  const std::string text =
      Complete("timeout: 3s\nfaults: [{name: late, link: {count: 1, after: 3s}}]\n");
  const std::string error = ErrorOf(text);
  EXPECT_NE(error.find("scenario.yaml:5:47: error: late: it can never apply: a trial of "
                       "hazards/test is over after 3s\n"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("hint: let it begin earlier, or give a trial longer by `timeout` or "
                       "--timeout\n"),
            std::string::npos);
  options_.timeout = 4'000'000'000;
  EXPECT_EQ(ErrorOf(text), "");
  options_.timeout = 2'000'000'000;
  EXPECT_NE(ErrorOf(Complete("faults: [{name: late, link: {count: 1, after: 2.5s}}]\n")), "");
}

// What a runtime makes of faults is compared with what the reference makes of the same.
TEST_F(PlanTest, ComparesUnderTheSameFaults) {
  const Plan plan = PlanOf(
      Complete("runtimes: [threading, thread]\nfaults: [none, " + std::string(kCutFault) + "]\n"));
  ASSERT_EQ(plan.cells.size(), 4U);
  EXPECT_EQ(plan.cells[1].reference, plan.cells[0].id);
  EXPECT_EQ(plan.cells[3].reference, plan.cells[2].id);
}

TEST_F(PlanTest, KeepsFaultPlansInItsJson) {
  const Plan plan =
      PlanOf(Complete("runtimes: [thread]\nfaults: [" + std::string(kCutFault) + "]\n"));
  const Result<Plan> again = Plan::FromJson(plan.ToJson());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->cells[0].fault_plan, plan.cells[0].fault_plan);
  EXPECT_EQ(again->cells[0].faults, plan.cells[0].faults);
}

}  // namespace
}  // namespace trireme
