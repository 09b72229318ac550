#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

CellResult MakeCell(const std::string& scenario, const std::string& runtime,
                    const std::string& interpreter) {
  CellResult cell;
  cell.scenario = scenario;
  cell.runtime = runtime;
  cell.interpreter = interpreter;
  cell.id = scenario + "-" + runtime + (interpreter.empty() ? "" : "-" + interpreter);
  cell.reference = "eventlet/3.11";
  cell.expectation = "pass";
  cell.expected = true;
  cell.trials = {.planned = 20, .executed = 20};
  cell.seconds = 1.25;
  cell.replay = "trireme run " + scenario + " --runtimes " + runtime + " --seed 0x5eed --trial 0";
  return cell;
}

}  // namespace

CellResult PassingCell(const std::string& scenario, const std::string& runtime,
                       const std::string& interpreter) {
  CellResult cell = MakeCell(scenario, runtime, interpreter);
  cell.state = CellState::kPass;
  cell.trials.pass = 20;
  cell.keys_compared = 1;
  cell.comparison = Json::array({{{"key", "total"},
                                  {"rule", "exact"},
                                  {"verdict", "same"},
                                  {"here", {{"40", 20}}},
                                  {"there", {{"40", 20}}}}});
  return cell;
}

CellResult FailingCell(const std::string& scenario, const std::string& runtime, int64_t failed,
                       const std::string& kind, const std::string& message) {
  CellResult cell = MakeCell(scenario, runtime, "3.11");
  cell.state = CellState::kFail;
  cell.expected = false;
  cell.trials.fail = failed;
  cell.trials.pass = 20 - failed;
  cell.reason = message;
  CellFinding found;
  found.finding = {.check = kind, .kind = kind, .message = message, .signature = "9f2c"};
  found.finding.participants = {
      {.task = "reader-1", .thread = 4711, .stack = {"workload.py:12 in reader"}}};
  found.count = failed;
  cell.findings.push_back(found);
  return cell;
}

CellResult UnknownCell(const std::string& scenario, const std::string& runtime,
                       const std::string& reason) {
  CellResult cell = MakeCell(scenario, runtime, "3.11");
  cell.state = CellState::kUnknown;
  cell.expected = false;
  cell.trials.unknown = 20;
  cell.reason = reason;
  return cell;
}

CellResult UnsupportedCell(const std::string& scenario, const std::string& runtime,
                           const std::string& reason) {
  CellResult cell = MakeCell(scenario, runtime, "");
  cell.state = CellState::kUnsupported;
  cell.trials = {.planned = 20};
  cell.seconds.reset();
  cell.reason = reason;
  cell.replay = "";
  return cell;
}

RunResults GoodResults() {
  RunResults results;
  results.run = {{"id", "20260102T030405Z-1f0c2a"},
                 {"seed", "0x5eed"},
                 {"directory", "trireme-runs/20260102T030405Z-1f0c2a"}};
  results.cells = {PassingCell("patterns/client", "eventlet"),
                   PassingCell("patterns/client", "threading")};
  return results;
}

RunResults SampleResults() {
  RunResults results = GoodResults();
  results.cells.push_back(UnsupportedCell("patterns/client", "fiber", "no C++ compiler was found"));
  results.cells.push_back(PassingCell("planted/lost-update", "eventlet"));
  CellResult planted = FailingCell("planted/lost-update", "threading", 7, "lost-update",
                                   "3 of 200 acknowledged increments are missing");
  planted.expected = true;
  planted.expectation = "fail with lost-update";
  results.cells.push_back(planted);
  results.cells.push_back(PassingCell("hazards/two-readers", "eventlet"));
  results.cells.push_back(FailingCell("hazards/two-readers", "threading", 20, "difference",
                                      "'order' is 'b' in 20 trials, in the reference 'a' in 20"));
  results.cells.push_back(UnknownCell("hazards/two-readers", "asyncio",
                                      "no operation and no observation was recorded"));
  CellResult regained = PassingCell("planted/leak", "eventlet");
  regained.expected = false;
  regained.expectation = "fail with leak";
  results.cells.push_back(regained);
  results.notes = {"the budget of 5m was spent: not every trial was run"};
  return results;
}

}  // namespace trireme
