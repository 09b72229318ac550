#include "harness/scenario/replay.h"

#include <algorithm>
#include <vector>

#include "harness/base/strings.h"
#include "harness/scenario/plan_options.h"

namespace trireme {
namespace {

// In a unit that divides it, so that it reads back as the same.
std::string ExactDuration(int64_t nanoseconds) {
  if (nanoseconds % 1'000'000'000 == 0) return std::to_string(nanoseconds / 1'000'000'000) + "s";
  if (nanoseconds % 1'000'000 == 0) return std::to_string(nanoseconds / 1'000'000) + "ms";
  return std::to_string(nanoseconds) + "ns";
}

// The cell's own; for C++ that of its reference, which the same command has to plan.
std::string InterpreterOf(const PlannedCell& cell) {
  if (!cell.interpreter.empty()) return cell.interpreter;
  const size_t slash = cell.reference_name.find('/');
  return slash == std::string::npos ? "" : cell.reference_name.substr(slash + 1);
}

void AddNew(const std::string& word, std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

// The params that an option set, and those that picked one cell of the matrix.
std::vector<std::string> ParamOptions(const Scenario& scenario, const PlannedCell& cell,
                                      const PlanOptions& options) {
  std::vector<std::string> words;
  const auto add = [&](const std::string& key) {
    words.insert(words.end(), {"--param", FormatParam(key, cell.params.at(key))});
  };
  Json done = Json::object();
  for (const auto& [axis, values] : scenario.matrix) {
    add(axis);
    done[axis] = true;
  }
  for (const auto& [key, value] : options.params) {
    if (done.contains(key) || !cell.params.contains(key)) continue;
    add(key);
    done[key] = true;
  }
  return words;
}

// Where the word at `begin`, as ShellQuote() writes it, ends.
size_t EndOfWord(const std::string& line, size_t begin) {
  bool quoted = false;
  size_t end = begin;
  for (; end < line.size() && (quoted || line[end] != ' '); ++end) {
    if (line[end] == '\'') quoted = !quoted;
    if (line[end] == '\\' && !quoted) ++end;
  }
  return std::min(end, line.size());
}

// Without the option and its value, if the line has it before its command.
std::string WithoutOption(const std::string& line, const std::string& option) {
  for (size_t begin = 0; begin < line.size(); begin = EndOfWord(line, begin) + 1) {
    const size_t end = EndOfWord(line, begin);
    const std::string word = line.substr(begin, end - begin);
    if (word == "--") return line;
    if (word != option || begin == 0 || end == line.size()) continue;
    return line.substr(0, begin - 1) + line.substr(EndOfWord(line, end + 1));
  }
  return line;
}

}  // namespace

std::string ReplayLine(const Scenario& scenario, const PlannedCell& cell,
                       const std::vector<PlannedCell>& siblings, const FaultChoice& faults,
                       const PlanOptions& options) {
  std::vector<std::string> words = {"trireme", "run"};
  const auto add = [&](const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  if (!scenario.argument.empty()) add({scenario.argument});
  std::vector<std::string> runtimes = {cell.runtime};
  std::vector<std::string> interpreters = {InterpreterOf(cell)};
  for (const PlannedCell& sibling : siblings) {
    if (!HasSweep(faults)) break;
    AddNew(sibling.runtime, runtimes);
    AddNew(InterpreterOf(sibling), interpreters);
  }
  std::erase(interpreters, "");
  add({"--runtimes", Join(runtimes, ",")});
  if (!interpreters.empty()) add({"--interpreters", Join(interpreters, ",")});
  add({"--seed", FormatHex(options.seed)});
  if (cell.trials_of_plan != scenario.trials)
    add({"--trials", std::to_string(cell.trials_of_plan)});
  if (options.timeout) add({"--timeout", ExactDuration(*options.timeout)});
  if (!options.reference.empty()) add({"--reference", options.reference});
  add(ParamOptions(scenario, cell, options));
  if (options.faults_chosen || scenario.faults.size() > 1 || !faults.plan.is_null())
    add({faults.option, faults.argument});
  add(options.replay_options);
  if (scenario.argument.empty()) {
    add({"--"});
    add(scenario.command);
  }
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + ShellQuote(word);
  return line;
}

std::string WithOption(const std::string& replay, const std::string& option) {
  for (size_t begin = 0; begin < replay.size(); begin = EndOfWord(replay, begin) + 1)
    if (replay.substr(begin, EndOfWord(replay, begin) - begin) == "--")
      return replay.substr(0, begin) + option + " " + replay.substr(begin);
  return replay + " " + option;
}

std::string WithFaults(const std::string& replay, const std::string& file) {
  const std::string without = WithoutOption(WithoutOption(replay, "--faults"), "--faults-from");
  return WithOption(without, "--faults " + ShellQuote(file));
}

}  // namespace trireme
