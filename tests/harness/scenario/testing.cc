#include "tests/harness/scenario/testing.h"

namespace trireme::testing {

Vocabulary TestVocabulary() {
  Vocabulary vocabulary;
  vocabulary.runtimes = {
      {"eventlet", "green", "python", true}, {"threading", "native", "python", true},
      {"asyncio", "async", "python", false}, {"thread", "native", "cpp", false},
      {"fiber", "green", "cpp", false},      {"coroutine", "async", "cpp", false}};
  vocabulary.checks = {
      {.name = "equivalence", .arguments = {}, .by_default = true},
      {.name = "progress", .arguments = {}, .by_default = true},
      {.name = "leak", .arguments = {{"allow", "texts", false, Json::array()}}, .by_default = true},
      {.name = "overlap", .arguments = {{"ops", "texts", true, Json()}}},
      {.name = "lost-update",
       .arguments = {{"op", "text", true, Json()},
                     {"final", "text", true, Json()},
                     {"strict", "boolean", false, false},
                     {"slack", "number", false, 0}}},
      {.name = "deadline",
       .arguments = {{"op", "text", true, Json()}, {"within", "duration", false, 1'000'000'000}}}};
  vocabulary.finding_kinds = {"difference", "hang", "crash", "lost-update", "overlap"};
  vocabulary.capabilities = {"fork", "ipv6"};
  vocabulary.faults = {{"at", "where", {{"call", "texts", "c"}, {"offset", "bytes", "o"}}},
                       {"do", "what", {{"reset", "boolean", "r"}, {"delay", "duration", "d"}}},
                       {"link",
                        "all types",
                        {{"rate", "bandwidth", "b"},
                         {"jump", "signed-duration", "j"},
                         {"count", "count", "c"},
                         {"loss", "share", "s"},
                         {"speed", "factor", "f"},
                         {"to", "text", "t"},
                         {"after", "duration", "a"}}}};
  vocabulary.check_faults = [](const Json& plan) -> Status {
    for (const Json& fault : plan["all"]) {
      if (fault["name"] != "never") continue;
      Diagnostic error = UsageError("never: it can never apply", "drop it");
      error.key = fault.contains("at") ? "at.offset" : "do";
      return error;
    }
    if (plan["all"].size() > 2) return UsageError("these faults contradict each other");
    return Done{};
  };
  vocabulary.later_runtimes = {"greenlet", "aiohttp"};
  vocabulary.later_checks = {"multiple-readers", "linearizable"};
  vocabulary.later_keys = {"roles", "budgets"};
  return vocabulary;
}

ScenarioFolder::ScenarioFolder() {
  Write("workload.py", "async def main(rt, params):\n    pass\n");
  Write("workload.cc", "");
}

void ScenarioFolder::Write(const std::string& name, const std::string& text) const {
  TRIREME_CHECK(MakeDirectories(DirName(JoinPath(path(), name))).ok());
  TRIREME_CHECK(WriteFile(JoinPath(path(), name), text).ok());
}

Vocabulary ScenarioFolder::vocabulary() const {
  Vocabulary vocabulary = TestVocabulary();
  vocabulary.fault_folders = {JoinPath(path(), "faults")};
  return vocabulary;
}

Result<Scenario> ScenarioFolder::Parse(const std::string& text) const {
  return ParseScenario(text, JoinPath(path(), "scenario.yaml"), "hazards/test", vocabulary());
}

std::string ScenarioFolder::ErrorOf(const std::string& text) const {
  const Result<Scenario> scenario = Parse(text);
  if (scenario.ok()) return "";
  Diagnostic error = scenario.error();
  error.file = BaseName(error.file);
  return error.Render();
}

std::string Complete(const std::string& rest) {
  return "version: 1\nsummary: s\nworkload: {python: workload.py, cpp: workload.cc}\n" + rest;
}

}  // namespace trireme::testing
