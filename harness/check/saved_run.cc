#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/check/judge.h"

namespace trireme {
namespace {

struct SavedTrial {
  int64_t trial = 0;
  bool retry = false;
  std::string directory;
};

// "12" or "12.retry".
std::optional<SavedTrial> ParseTrialName(std::string name, const std::string& cell_directory) {
  SavedTrial saved;
  saved.directory = JoinPath(cell_directory, name);
  if (name.ends_with(".retry")) {
    saved.retry = true;
    name.resize(name.size() - 6);
  }
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data(), end, saved.trial);
  if (name.empty() || error != std::errc() || stopped != end || saved.trial < 0)
    return std::nullopt;
  return saved;
}

// In the order of their numbers, a retry after the attempt before it.
std::vector<SavedTrial> SavedTrials(const std::string& cell_directory) {
  std::vector<SavedTrial> trials;
  for (const std::string& name : ListDirectory(cell_directory)) {
    if (std::optional<SavedTrial> trial = ParseTrialName(name, cell_directory))
      trials.push_back(*std::move(trial));
  }
  std::sort(trials.begin(), trials.end(), [](const SavedTrial& a, const SavedTrial& b) {
    return a.trial != b.trial ? a.trial < b.trial : a.retry < b.retry;
  });
  return trials;
}

Json ReadJsonOr(const std::string& path, Json fallback) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return fallback;
  Result<Json> json = ParseJson(*text, path);
  return json.ok() ? *std::move(json) : fallback;
}

// A cell's folder has its id as name; an id that would lead out of the run's folder names none.
bool IsFolderName(const std::string& id) {
  return !id.empty() && id != "." && id != ".." && id.find('/') == std::string::npos;
}

void JudgeTrials(RunJudge& judge, size_t cell, const std::string& cell_directory,
                 const std::function<void(size_t, const TrialJudgement&)>& each) {
  for (const SavedTrial& saved : SavedTrials(cell_directory)) {
    const Json before = ReadJsonOr(JoinPath(saved.directory, "verdict.json"), Json::object());
    const TrialJudgement judgement =
        judge.JudgeTrial(cell, {.trial = saved.trial,
                                .retry = saved.retry,
                                .attempt = GetString(before, "attempt"),
                                .directory = saved.directory,
                                .seconds = GetDouble(before, "seconds")});
    if (each) each(cell, judgement);
  }
}

// What only the engine knew: why a cell could not run, and what was noted while it did.
void TakeOver(RunJudge& judge, size_t cell, const CellResult& before) {
  for (const std::string& note : before.notes) judge.AddNote(cell, note);
  if (!before.environment.empty()) judge.SetEnvironment(cell, before.environment);
  if (before.trials.executed > 0) return;
  if (before.state == CellState::kUnsupported || before.state == CellState::kUnknown) {
    judge.Refuse(cell, before.state, before.reason);
  }
}

}  // namespace

Result<RunResults> JudgeSavedRun(
    const std::string& directory,
    const std::function<void(size_t cell, const TrialJudgement&)>& each) {
  TRIREME_ASSIGN_OR_RETURN(const std::string plan_text, ReadFile(JoinPath(directory, "plan.json")));
  TRIREME_ASSIGN_OR_RETURN(const Json plan, ParseJson(plan_text, JoinPath(directory, "plan.json")));
  const Json saved = ReadJsonOr(JoinPath(directory, "results.json"), Json());
  Result<RunResults> before = RunResults::FromJson(saved);
  std::map<std::string, const CellResult*> cells_before;
  if (before.ok()) {
    for (const CellResult& cell : before->cells) cells_before[cell.id] = &cell;
  }
  RunJudge judge(plan);
  if (before.ok()) {
    for (const std::string& note : before->notes) judge.AddRunNote(note);
  } else {
    judge.AddRunNote(
        "the run has no readable results.json: it was cut short, and what is missing is unknown");
  }
  for (size_t cell = 0; cell < judge.cell_count(); ++cell) {
    const std::string id = GetString(GetMember(plan, "cells")[cell], "id");
    if (const auto found = cells_before.find(id); found != cells_before.end())
      TakeOver(judge, cell, *found->second);
    if (IsFolderName(id))
      JudgeTrials(judge, cell, JoinPath(JoinPath(directory, "trials"), id), each);
  }
  const Json run = before.ok() && !before->run.empty()
                       ? before->run
                       : ReadJsonOr(JoinPath(directory, "run.json"), Json::object());
  RunResults results = judge.Finish(run);
  if (before.ok()) {
    results.interrupted = before->interrupted;
    results.infrastructure_failed = before->infrastructure_failed;
    results.infrastructure_reason = before->infrastructure_reason;
  }
  return results;
}

}  // namespace trireme
