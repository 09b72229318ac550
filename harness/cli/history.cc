#include "harness/history/history.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/saved_run.h"
#include "harness/history/jsonl.h"

namespace trireme {
namespace {

// The cells of plan.json; none when it cannot be read: then the folders' names say what they can.
Json ReadCells(const std::string& run) {
  const Result<std::string> text = ReadFile(JoinPath(run, "plan.json"), kMaxPlan);
  if (!text.ok()) return Json::array();
  const Result<Json> plan = ParseJson(*text, "plan.json");
  return plan.ok() ? GetMember(*plan, "cells") : Json::array();
}

TrialLabel LabelOf(const SavedTrial& trial, const Json& cells) {
  TrialLabel label{.cell = trial.cell, .trial = trial.trial};
  for (const Json& cell : cells) {
    if (GetString(cell, "id") != trial.cell) continue;
    label.scenario = GetString(cell, "scenario");
    label.runtime = GetString(cell, "runtime");
    label.interpreter = GetString(cell, "interpreter");
  }
  return label;
}

// Writes in pieces of some size: a line at a time would be a system call each.
class BufferedPrinter {
 public:
  ~BufferedPrinter() { Print(text_); }
  void Add(std::string_view text) {
    text_ += text;
    if (text_.size() < (1 << 16)) return;
    Print(text_);
    text_.clear();
  }

 private:
  std::string text_;
};

// False when something of the trial could not be read; said on standard error.
bool PrintTrial(const SavedTrial& trial, const Json& cells, BufferedPrinter& printer) {
  const auto complain = [&](const std::string& what) {
    PrintError("warning: " + trial.directory + ": " + what + "\n");
    return false;
  };
  if (trial.history.empty()) return complain("there is no history");
  const Result<History> history = History::Read(trial.history);
  if (!history.ok()) return complain(history.error().message);
  PrintHistory(LabelOf(trial, cells), *history, [&](std::string_view line) { printer.Add(line); });
  return history->damage().empty() || complain(history->damage());
}

Result<std::vector<SavedTrial>> ChooseTrials(const std::string& run,
                                             const std::vector<std::string>& numbers,
                                             const std::optional<std::string>& cell) {
  if (!FileExists(run)) return UsageError("there is no run '" + run + "'");
  std::vector<SavedTrial> trials = ListTrials(run);
  std::vector<int64_t> wanted;
  for (const std::string& text : numbers) {
    const std::optional<uint64_t> number = ParseUnsigned(text);
    if (!number) return UsageError("option --trial: '" + text + "' is not the number of a trial");
    wanted.push_back(static_cast<int64_t>(*number));
  }
  const size_t all = trials.size();
  std::erase_if(trials, [&](const SavedTrial& trial) {
    const bool chosen =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), trial.trial) != wanted.end();
    return !chosen || (cell && trial.cell != *cell && !GlobMatches(*cell, trial.cell));
  });
  if (!trials.empty()) return trials;
  Diagnostic error =
      UsageError(all == 0 ? run + " has no trials" : "no trial of " + run + " matches",
                 all == 0 ? "" : "cells are named by their folders in " + JoinPath(run, "trials"));
  error.kind = ErrorKind::kNothing;
  return error;
}

}  // namespace

int HistoryCommand(const Arguments& arguments) {
  OptionParser parser("history");
  std::vector<std::string> runs;
  std::vector<std::string> numbers;
  std::optional<std::string> cell;
  parser.Positionals("RUN", runs, "a run directory");
  parser.Values("--trial", "T", numbers, "only trial T of each cell; repeatable");
  parser.Value("--cell", "GLOB", cell, "only cells whose id matches");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (runs.size() != 1)
    return Fail(UsageError("the history of which run?", "'trireme history RUN', a run directory"));
  const Result<std::vector<SavedTrial>> trials = ChooseTrials(runs.front(), numbers, cell);
  if (!trials.ok()) return Fail(trials.error());
  const Json cells = ReadCells(runs.front());
  bool whole = true;
  BufferedPrinter printer;
  for (const SavedTrial& trial : *trials) whole = PrintTrial(trial, cells, printer) && whole;
  return whole ? kExitPass : kExitUnknown;
}

}  // namespace trireme
