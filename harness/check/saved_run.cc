#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json_salvage.h"
#include "harness/base/strings.h"
#include "harness/check/judge.h"
#include "harness/check/shape.h"

namespace trireme {
namespace {

constexpr size_t kMostNotes = 5;  // on lines of one file, or on files of one kind
constexpr const char* kPlanSchema = "trireme.plan/1";

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

// A file of a run as far as it can be read, and what is wrong with it.
struct SavedJson {
  Json value = Json::object();
  std::vector<std::string> problems;  // "run.json: seed: 7 where text belongs"
};

// A file that is not there is empty, without a problem.
SavedJson ReadSaved(const std::string& directory, const std::string& name, const Json& shape) {
  SavedJson saved;
  const std::string path = JoinPath(directory, name);
  if (!FileExists(path)) return saved;
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) {
    saved.problems.push_back(name + ": " + text.error().message);
    return saved;
  }
  SalvagedJson salvaged = SalvageJson(*text);
  saved.value = std::move(salvaged.value);
  if (!salvaged.damage.empty()) saved.problems.push_back(name + ": " + salvaged.damage);
  for (const std::string& problem : ShapeProblems(shape, saved.value))
    saved.problems.push_back(name + ": " + problem);
  return saved;
}

// A cell's folder has its id as name; an id that would lead out of the run's folder names none.
bool IsFolderName(const std::string& id) {
  return !id.empty() && id != "." && id != ".." && id.find('/') == std::string::npos;
}

// What is wrong with a verdict.json goes to `problems`.
void JudgeTrials(RunJudge& judge, size_t cell, const std::string& cell_directory,
                 const std::function<void(size_t, const TrialJudgement&)>& each,
                 std::vector<std::string>& problems) {
  for (const SavedTrial& saved : SavedTrials(cell_directory)) {
    const SavedJson verdict = ReadSaved(saved.directory, "verdict.json", TrialVerdictShape());
    for (const std::string& problem : verdict.problems)
      problems.push_back("trials/" + BaseName(cell_directory) + "/" + BaseName(saved.directory) +
                         "/" + problem);
    const Json& before = verdict.value;
    const TrialJudgement judgement =
        judge.JudgeTrial(cell, {.trial = saved.trial,
                                .retry = saved.retry,
                                .attempt = GetString(before, "attempt"),
                                .directory = saved.directory,
                                .seconds = GetDouble(before, "seconds")});
    if (each && !judgement.in_flight) each(cell, judgement);
  }
}

// What only the engine knew: why a cell could not run, and what was noted while it did.
void TakeOver(RunJudge& judge, size_t cell, const CellResult& before) {
  for (const std::string& note : before.notes) judge.AddNote(cell, note);
  if (!before.environment.empty()) judge.SetEnvironment(cell, before.environment);
  if (before.refusal) judge.Refuse(cell, before.refusal->state, before.refusal->reason);
  if (before.refusal || before.trials.executed > 0) return;
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

  // `plan_damage` says why cells are missing at the plan's end, "" when none are.
  SavedRunJudge(std::string directory, const Json& plan, std::string plan_damage, const Each& each)
      : directory_(std::move(directory)),
        plan_(plan),
        plan_damage_(std::move(plan_damage)),
        each_(each),
        saved_results_(ReadSaved(directory_, "results.json", ResultsSchema())),
        before_(RunResults::FromJson(saved_results_.value)),
        judge_(plan),
        kept_(GetString(About(), "keep", "all")) {
    if (!before_.ok()) return;
    for (const CellResult& cell : before_->cells) cells_before_[cell.id] = &cell;
  }

  RunResults Judge() {
    Announce();
    const std::vector<std::string> problems = CellProblems();
    std::map<size_t, const CellResult*> standing;
    std::vector<std::string> of_verdicts;
    for (size_t cell = 0; cell < judge_.cell_count(); ++cell) {
      const CellResult* before = Before(IdOf(cell));
      if (before != nullptr) TakeOver(judge_, cell, *before);
      if (Stands(cell)) {
        standing[cell] = before;
        RepeatLines(cell);
      } else if (IsFolderName(IdOf(cell))) {
        JudgeTrials(judge_, cell, FolderOf(IdOf(cell)), each_, of_verdicts);
      }
      // What its trials show stands there all the same.
      if (!problems[cell].empty()) judge_.Refuse(cell, CellState::kUnknown, problems[cell]);
      if (const std::string lost = LostInWords(IdOf(cell)); !lost.empty())
        judge_.Refuse(cell, CellState::kUnknown, lost);
    }
    if (!standing.empty())
      judge_.AddRunNote(Count(static_cast<int64_t>(standing.size()), "cell") +
                        " not judged again: the run kept not all folders of trials (--keep " +
                        kept_ + ")");
    if (of_verdicts.size() > kMostNotes) of_verdicts.resize(kMostNotes);
    NoteProblems(of_verdicts);
    RunResults results = judge_.Finish(About());
    for (const auto& [cell, before] : standing) Restore(results.cells[cell], before);
    results.CountSuppressed();
    if (!plan_damage_.empty()) results.cells.push_back(LostCells());
    if (before_.ok()) {
      results.interrupted = before_->interrupted;
      results.infrastructure_failed = before_->infrastructure_failed;
      results.infrastructure_reason = before_->infrastructure_reason;
    }
    return results;
  }

 private:
  // run.json is what results.json holds as `run`.
  static Json RunShape() { return GetMember(GetMember(ResultsSchema(), "properties"), "run"); }

  const Json& CellOf(size_t cell) const { return GetMember(plan_, "cells")[cell]; }
  std::string IdOf(size_t cell) const { return GetString(CellOf(cell), "id"); }
  std::string FolderOf(const std::string& id) const {
    return JoinPath(JoinPath(directory_, "trials"), id);
  }
  const CellResult* Before(const std::string& id) const {
    const auto found = cells_before_.find(id);
    return found == cells_before_.end() ? nullptr : found->second;
  }

  // How many of the trials that the run judged have no folder any more.
  int64_t Missing(const std::string& id) const {
    const CellResult* before = Before(id);
    if (before == nullptr || !IsFolderName(id)) return 0;
    std::set<int64_t> kept;
    for (const SavedTrial& saved : SavedTrials(FolderOf(id))) kept.insert(saved.trial);
    return std::max<int64_t>(0, before->trials.executed - static_cast<int64_t>(kept.size()));
  }

  // How many the run itself threw away at most.
  int64_t ThrownAway(const std::string& id) const {
    const CellResult* before = Before(id);
    if (before == nullptr || (kept_ != "failed" && kept_ != "none")) return 0;
    return kept_ == "none" ? before->trials.executed : before->trials.pass;
  }

  bool IsLost(const std::string& id) const { return Missing(id) > ThrownAway(id); }

  // Why a cell's evidence is gone without the run having thrown it away, "" where it is not.
  std::string LostInWords(const std::string& id) const {
    if (!IsLost(id)) return "";
    const int64_t missing = Missing(id);
    return Count(missing, "trial") + " that the run judged " + (missing == 1 ? "has" : "have") +
           " no folder any more, though it kept " +
           (kept_ == "failed" ? "those that failed" : "all");
  }

  // Whether the earlier verdict stands, because the run threw away what it or its reference rests
  // on.
  bool Stands(size_t cell) const {
    const std::string id = IdOf(cell);
    const std::string reference = GetString(CellOf(cell), "reference");
    if (Before(id) == nullptr || IsLost(id) || IsLost(reference)) return false;
    return Missing(id) > 0 || Missing(reference) > 0;
  }

  // What is wrong with each cell of the plan, "" for nothing.
  std::vector<std::string> CellProblems() const {
    std::vector<std::string> problems(judge_.cell_count());
    const Json shape = PlannedCellShape();
    for (size_t cell = 0; cell < problems.size(); ++cell) {
      const std::string path = "plan.json: cells[" + std::to_string(cell) + "]";
      problems[cell] = Join(ShapeProblems(shape, CellOf(cell), path, 3), "; ");
    }
    return problems;
  }

  // Stands for all that a damaged plan no longer names: the run must not pass without them.
  CellResult LostCells() const {
    CellResult lost;
    lost.id = lost.scenario = "(lost)";
    lost.reason = "plan.json is " + plan_damage_ + ": what it planned after that is not known";
    lost.expectation = "pass";
    return lost;
  }

  void NoteProblems(const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) judge_.AddRunNote(problem);
  }

  // Of the first lines of trials.jsonl that are none.
  void NoteTrialLines() {
    const Result<std::string> text = ReadFile(JoinPath(directory_, "trials.jsonl"));
    if (!text.ok()) return;
    const Json shape = TrialLineShape();
    size_t number = 0;
    size_t noted = 0;
    for (const std::string& line : Split(*text, '\n')) {
      ++number;
      if (line.empty() || noted == kMostNotes) continue;
      const std::string name = "trials.jsonl: line " + std::to_string(number);
      const Result<Json> json = ParseJson(line, name);
      const std::vector<std::string> problems = json.ok()
                                                    ? ShapeProblems(shape, *json, "", 1)
                                                    : std::vector<std::string>{"is cut or damaged"};
      if (problems.empty()) continue;
      ++noted;
      judge_.AddRunNote(name + ": " + problems.front());
    }
  }

  void Announce() {
    for (const std::string& problem : ShapeProblems(PlanShape(), plan_))
      judge_.AddRunNote("plan.json: " + problem);
    NoteProblems(saved_results_.problems);
    NoteProblems(ReadSaved(directory_, "run.json", RunShape()).problems);
    NoteTrialLines();
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
    return ReadSaved(directory_, "run.json", RunShape()).value;
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
  std::string plan_damage_;
  const Each& each_;
  SavedJson saved_results_;
  Result<RunResults> before_;
  std::map<std::string, const CellResult*> cells_before_;
  RunJudge judge_;
  const std::string kept_;  // "all" where run.json does not say that folders were thrown away
};

}  // namespace

Result<RunResults> JudgeSavedRun(
    const std::string& directory,
    const std::function<void(size_t cell, const TrialJudgement&)>& each,
    const std::optional<std::vector<Suppression>>& suppressions) {
  const std::string path = JoinPath(directory, "plan.json");
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SalvagedJson plan = SalvageJson(text);
  const std::string hint = plan.damage.empty() ? "" : "the file is " + plan.damage;
  if (!plan.value.is_object() || !GetMember(plan.value, "cells").is_array())
    return UsageError(path + ": " + Join(ShapeProblems(PlanShape(), plan.value, "", 3), "; "),
                      hint);
  if (const std::string schema = GetString(plan.value, "schema", kPlanSchema);
      schema != kPlanSchema)
    return UsageError(path + ": unknown schema '" + schema + "'",
                      std::string("this trireme reads ") + kPlanSchema);
  if (suppressions) plan.value["suppressions"] = SuppressionsToJson(*suppressions);
  SavedRunJudge judge(directory, plan.value, plan.damage, each);
  return judge.Judge();
}

}  // namespace trireme
