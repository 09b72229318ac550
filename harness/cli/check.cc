#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/check/judge.h"
#include "harness/check/shape.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/history_check.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/run_options.h"
#include "harness/cli/saved_run.h"
#include "harness/cli/suppressions.h"
#include "harness/cli/vocabulary.h"
#include "harness/scenario/check_choices.h"
#include "harness/scenario/check_option.h"
#include "reports/report.h"

namespace trireme {
namespace {


// What one argument came to.
struct Judged {
  std::string path;
  Verdict verdict = Verdict::kUnknown;
  int exit_code = kExitUnknown;
  std::string text;  // for people
  Json document;     // for --json
};

const char* Answer(Verdict verdict) {
  if (verdict == Verdict::kPass) return "true";
  return verdict == Verdict::kFail ? "false" : "unknown";
}

// A saved judgement is as old as the checks that made it: the new one takes its place where the
// folder may be written.
void WriteResults(const std::string& run, const RunResults& results,
                  const std::string& trial_lines) {
  Status written = WriteFileAtomically(JoinPath(run, "trials.jsonl"), trial_lines);
  if (written.ok())
    written =
        WriteFileAtomically(JoinPath(run, "results.json"), DumpJson(results.ToJson(), 1) + "\n");
  if (!written.ok())
    PrintError("warning: the new results were not kept: " + written.error().message + "\n");
}

// How the run itself ended is in no trial's history.
void KeepEnding(const std::string& run, RunResults& results) {
  const std::string file = JoinPath(run, "results.json");
  if (!FileExists(file)) return;
  const Result<RunResults> before = ReadResults(file);
  if (!before.ok()) return;
  results.interrupted = before->interrupted;
  if (results.run.find("seconds") == results.run.end() && before->run.contains("seconds"))
    results.run["seconds"] = before->run["seconds"];
}

// What --format, --check and --suppressions say.
struct Wishes {
  std::optional<std::string> format;
  std::vector<std::string> checks;
  // With the shipped ones; of a run only where files are named, for its plan has those that it was made with.
  std::vector<Suppression> suppressions;
  bool names_suppressions = false;

  std::optional<std::vector<Suppression>> ForRun() const {
    return names_suppressions ? std::optional(suppressions) : std::nullopt;
  }
};

Result<Judged> JudgeRun(const std::string& run, const Wishes& wishes) {
  std::string lines;
  TRIREME_ASSIGN_OR_RETURN(RunResults results, JudgeSavedRun(
                                                   run,
                                                   [&](size_t, const TrialJudgement& judgement) {
                                                     lines += DumpJson(judgement.line) + "\n";
                                                   },
                                                   wishes.ForRun()));
  KeepEnding(run, results);
  WriteResults(run, results, lines);
  return Judged{.path = run,
                .verdict = results.verdict(),
                .exit_code = results.exit_code(),
                .text = TextReport(results, StyleOf(1)),
                .document = results.ToJson()};
}

int CodeOf(Verdict verdict) {
  if (verdict == Verdict::kPass) return kExitPass;
  return verdict == Verdict::kFail ? kExitFail : kExitUnknown;
}

// "1 finding suppressed", "" for none.
std::string SuppressedInWords(const TrialJudgement& judgement) {
  const auto count = static_cast<int64_t>(judgement.suppressed.size());
  return count == 0 ? "" : " (" + Count(count, "finding") + " suppressed)";
}

// One trial of a run: its folder, or a file in it.
Result<Judged> JudgeOneTrial(const std::string& path, const SavedTrial& trial,
                             const Wishes& wishes) {
  const std::string run = DirName(DirName(DirName(trial.directory)));
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(JoinPath(run, "plan.json"), kMaxPlan));
  TRIREME_ASSIGN_OR_RETURN(Json plan, ParseJson(text, JoinPath(run, "plan.json")));
  const Json& cells = GetMember(plan, "cells");
  if (!cells.is_array())
    return UsageError(JoinPath(run, "plan.json") + ": " +
                      Join(ShapeProblems(PlanShape(), plan, "", 3), "; "));
  if (wishes.names_suppressions) plan["suppressions"] = SuppressionsToJson(wishes.suppressions);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (GetString(cells[i], "id") != trial.cell) continue;
    const TrialJudgement judgement = RunJudge(plan).JudgeTrial(
        i,
        {.trial = trial.trial, .retry = trial.retry, .attempt = "", .directory = trial.directory});
    std::string said = path + ": " + std::string(VerdictName(judgement.verdict));
    if (!judgement.reason.empty()) said += ": " + judgement.reason;
    said += SuppressedInWords(judgement);
    return Judged{.path = path,
                  .verdict = judgement.verdict,
                  .exit_code = CodeOf(judgement.verdict),
                  .text = said + "\n",
                  .document = judgement.document};
  }
  return UsageError(path + ": the plan of " + run + " has no cell " + trial.cell);
}

// As plan.json holds them: the default ones that need no other cell, and those that were named.
Result<Json> ChecksOfLoneHistory(const std::vector<std::string>& named) {
  const Vocabulary vocabulary = MakeVocabulary();
  std::vector<CheckChoice> choices;
  for (const std::string& text : named) {
    TRIREME_ASSIGN_OR_RETURN(CheckChoice choice, ParseCheckOption(text, vocabulary));
    if (choice.name == "equivalence")
      return UsageError("option --check: equivalence compares a cell with its reference",
                        "it is judged for a run, not for a single history");
    if (const Status fits = CheckRepeats(choices, choice, vocabulary); !fits.ok())
      return UsageError("option --check: " + fits.error().message, fits.error().hint);
    choices.push_back(std::move(choice));
  }
  // One that was named stands instead of the default of its name.
  for (CheckChoice& choice : DefaultChecks(vocabulary))
    if (std::none_of(choices.begin(), choices.end(),
                     [&](const CheckChoice& other) { return other.name == choice.name; }))
      choices.push_back(std::move(choice));
  Json checks = Json::array();
  for (const CheckChoice& choice : choices)
    if (choice.name != "equivalence")
      checks.push_back({{"name", choice.name},
                        {"arguments", choice.arguments},
                        {"by_default", choice.by_default}});
  return checks;
}

std::string InWords(const LoneTrial& trial) {
  const TrialLabel& label = trial.label;
  std::string said;
  if (!label.cell.empty()) said = label.cell + "/" + std::to_string(label.trial) + ": ";
  said += VerdictName(trial.judgement.verdict);
  if (!trial.judgement.reason.empty()) said += ": " + trial.judgement.reason;
  return said + SuppressedInWords(trial.judgement);
}

// Of those that were named, what no trial of a history showed.
std::vector<std::string> UselessFor(const std::vector<LoneTrial>& trials,
                                    std::vector<Suppression> suppressions) {
  std::vector<std::string> useless;
  for (Suppression& one : suppressions) {
    for (const LoneTrial& trial : trials)
      for (const SuppressedFinding& known : trial.judgement.suppressed)
        one.count += known.place == one.place ? 1 : 0;
    if (std::string said = one.Useless(); !said.empty()) useless.push_back(std::move(said));
  }
  return useless;
}

// A history whose run is not there: judged by the checks that need no plan.
Result<Judged> JudgeLoneHistory(const std::string& path, const Wishes& wishes) {
  TRIREME_ASSIGN_OR_RETURN(const Json checks, ChecksOfLoneHistory(wishes.checks));
  TRIREME_ASSIGN_OR_RETURN(
      const std::vector<LoneTrial> trials,
      JudgeHistory(path, wishes.format.value_or(""), checks, wishes.suppressions));
  Judged judged{.path = path, .verdict = Verdict::kPass, .document = {{"trials", Json::array()}}};
  for (const LoneTrial& trial : trials) {
    judged.verdict = Heavier(judged.verdict, trial.judgement.verdict);
    judged.text += path + ": " + InWords(trial) + "\n";
    judged.document["trials"].push_back(trial.judgement.document);
  }
  judged.exit_code = CodeOf(judged.verdict);
  for (const std::string& useless : UselessFor(trials, wishes.suppressions))
    PrintError("warning: suppression " + useless + "\n");
  return judged;
}

Result<Judged> JudgePath(const std::string& path, const Wishes& wishes) {
  if (!FileExists(path)) return UsageError("there is no '" + path + "'");
  if (wishes.format || !wishes.checks.empty()) {
    if (IsDirectory(path) && FileExists(JoinPath(path, "plan.json")))
      return UsageError(path + " is a run: its plan says how it is judged",
                        "--format and --check are for single histories");
    return JudgeLoneHistory(path, wishes);
  }
  const std::string real = RealPath(path);
  if (IsDirectory(real) && FileExists(JoinPath(real, "plan.json"))) return JudgeRun(path, wishes);
  const std::optional<SavedTrial> trial = DescribeTrial(IsDirectory(real) ? real : DirName(real));
  const bool in_trial = IsDirectory(real) || BaseName(real).starts_with("history.");
  if (trial && in_trial &&
      FileExists(JoinPath(DirName(DirName(DirName(trial->directory))), "plan.json")))
    return JudgeOneTrial(path, *trial, wishes);
  return JudgeLoneHistory(path, wishes);
}

Status CheckFormat(const std::optional<std::string>& format) {
  const std::vector<std::string> known = HistoryFormats();
  if (!format || std::find(known.begin(), known.end(), *format) != known.end()) return Done{};
  return UsageError("option --format: format '" + *format + "' is not available yet",
                    "formats: " + Join(known, ", "));
}

// The first of 130, 3, 1, 4, 0 that holds for any.
int WorstExit(const std::vector<Judged>& all) {
  for (const int code : {kExitInterrupted, kExitInfrastructure, kExitFail, kExitUnknown})
    if (std::any_of(all.begin(), all.end(),
                    [&](const Judged& judged) { return judged.exit_code == code; }))
      return code;
  return kExitPass;
}

void PrintJson(const std::vector<Judged>& all) {
  Json items = Json::array();
  for (const Judged& judged : all)
    items.push_back({{"path", judged.path},
                     {"verdict", VerdictName(judged.verdict)},
                     {"result", judged.document}});
  Print(DumpJson(Json{{"schema", "trireme.check/1"}, {"items", std::move(items)}}, 1) + "\n");
}

}  // namespace

int CheckCommand(const Arguments& arguments) {
  OptionParser parser("check");
  std::vector<std::string> paths, suppressions;
  bool quiet = false;
  bool json = false;
  Wishes wishes;
  parser.Positionals("PATH", paths, "run directories, or histories");
  parser.Flag("--quiet", quiet, "one line each: PATH, a tab, and true, false or unknown");
  parser.Flag("--json", json, "one JSON document");
  parser.Value("--format", "F", wishes.format,
               "of a single history: trh, jsonl; default: recognised");
  parser.Values("--check", "NAME:KEY=VALUE", wishes.checks,
                "judge a single history by this check too; repeatable");
  parser.Values("--suppressions", "FILE", suppressions,
                "findings to leave alone, instead of those that the run named; repeatable");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (paths.empty()) return Fail(UsageError("check what?", "'trireme check RUN', a run directory"));
  if (const Status format = CheckFormat(wishes.format); !format.ok()) return Fail(format.error());
  const Result<Suppressions> known = ReadSuppressions(suppressions, FindLocations());
  if (!known.ok()) return Fail(known.error());
  wishes.suppressions = known->all();
  wishes.names_suppressions = !suppressions.empty();
  std::vector<Judged> all;
  for (const std::string& path : paths) {
    Result<Judged> judged = JudgePath(path, wishes);
    if (!judged.ok()) return Fail(judged.error());
    if (quiet)
      Print(path + "\t" + Answer(judged->verdict) + "\n");
    else if (!json)
      Print(judged->text);
    all.push_back(*std::move(judged));
  }
  if (json) PrintJson(all);
  return WorstExit(all);
}

}  // namespace trireme
