#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
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

// Reads a run's folder, judges what is there, and lets stand what was judged before its evidence
// was thrown away
// (--keep failed, --keep none).
class SavedRunJudge {
 public:
  using Each = std::function<void(size_t cell, const TrialJudgement&)>;

  SavedRunJudge(std::string directory, const Json& plan, const Each& each)
      : directory_(std::move(directory)),
        plan_(plan),
        each_(each),
        before_(RunResults::FromJson(ReadJsonOr(JoinPath(directory_, "results.json"), Json()))),
        judge_(plan) {
    if (!before_.ok()) return;
    for (const CellResult& cell : before_->cells) cells_before_[cell.id] = &cell;
  }

  RunResults Judge() {
    Announce();
    std::map<size_t, const CellResult*> standing;
    for (size_t cell = 0; cell < judge_.cell_count(); ++cell) {
      const CellResult* before = Before(IdOf(cell));
      if (before != nullptr) TakeOver(judge_, cell, *before);
      if (!IsWhole(IdOf(cell)) || !IsWhole(GetString(CellOf(cell), "reference"))) {
        standing[cell] = before;
        RepeatLines(cell);
      } else if (IsFolderName(IdOf(cell))) {
        JudgeTrials(judge_, cell, FolderOf(IdOf(cell)), each_);
      }
    }
    RunResults results = judge_.Finish(About());
    for (const auto& [cell, before] : standing) Restore(results.cells[cell], before);
    if (before_.ok()) {
      results.interrupted = before_->interrupted;
      results.infrastructure_failed = before_->infrastructure_failed;
      results.infrastructure_reason = before_->infrastructure_reason;
    }
    return results;
  }

 private:
  const Json& CellOf(size_t cell) const { return GetMember(plan_, "cells")[cell]; }
  std::string IdOf(size_t cell) const { return GetString(CellOf(cell), "id"); }
  std::string FolderOf(const std::string& id) const {
    return JoinPath(JoinPath(directory_, "trials"), id);
  }
  const CellResult* Before(const std::string& id) const {
    const auto found = cells_before_.find(id);
    return found == cells_before_.end() ? nullptr : found->second;
  }

  // Whether every trial that the run judged still has its folder.
  bool IsWhole(const std::string& id) const {
    const CellResult* before = Before(id);
    if (before == nullptr || !IsFolderName(id)) return true;
    std::set<int64_t> kept;
    for (const SavedTrial& saved : SavedTrials(FolderOf(id))) kept.insert(saved.trial);
    return static_cast<int64_t>(kept.size()) >= before->trials.executed;
  }

  void Announce() {
    if (!before_.ok()) {
      judge_.AddRunNote(
          "the run has no readable results.json: it was cut short, and what is missing is unknown");
      return;
    }
    for (const std::string& note : before_->notes) judge_.AddRunNote(note);
  }

  // run.json, unless the results know more of how the run went.
  Json About() const {
    if (before_.ok() && !before_->run.empty()) return before_->run;
    return ReadJsonOr(JoinPath(directory_, "run.json"), Json::object());
  }

  // What trials.jsonl says of a cell that is not judged again.
  void RepeatLines(size_t cell) const {
    const Result<std::string> text = ReadFile(JoinPath(directory_, "trials.jsonl"));
    if (!each_ || !text.ok()) return;
    for (const std::string& line : Split(*text, '\n')) {
      const Result<Json> json = ParseJson(line, "trials.jsonl");
      if (!json.ok() || GetString(*json, "cell") != IdOf(cell)) continue;
      TrialJudgement judgement;
      const std::string verdict = GetString(*json, "verdict");
      if (verdict == VerdictName(Verdict::kPass)) judgement.verdict = Verdict::kPass;
      if (verdict == VerdictName(Verdict::kFail)) judgement.verdict = Verdict::kFail;
      judgement.document = *json;
      judgement.line = *json;
      each_(cell, judgement);
    }
  }

  static void Restore(CellResult& cell, const CellResult* before) {
    if (before != nullptr) cell = *before;
    const std::string note = "not judged again: the run did not keep the folders of all trials";
    if (std::find(cell.notes.begin(), cell.notes.end(), note) == cell.notes.end()) {
      cell.notes.push_back(note);
    }
  }

  std::string directory_;
  const Json& plan_;
  const Each& each_;
  Result<RunResults> before_;
  std::map<std::string, const CellResult*> cells_before_;
  RunJudge judge_;
};

}  // namespace

Result<RunResults> JudgeSavedRun(
    const std::string& directory,
    const std::function<void(size_t cell, const TrialJudgement&)>& each) {
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(JoinPath(directory, "plan.json")));
  TRIREME_ASSIGN_OR_RETURN(const Json plan, ParseJson(text, JoinPath(directory, "plan.json")));
  return SavedRunJudge(directory, plan, each).Judge();
}

}  // namespace trireme
