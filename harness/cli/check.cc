#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/check/judge.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/run_options.h"
#include "harness/cli/saved_run.h"
#include "reports/report.h"

namespace trireme {
namespace {

constexpr int64_t kMaxPlan = 1 << 30;

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

Result<Judged> JudgeRun(const std::string& run) {
  std::string lines;
  TRIREME_ASSIGN_OR_RETURN(RunResults results,
                           JudgeSavedRun(run, [&](size_t, const TrialJudgement& judgement) {
                             lines += DumpJson(judgement.line) + "\n";
                           }));
  KeepEnding(run, results);
  WriteResults(run, results, lines);
  return Judged{.path = run,
                .verdict = results.verdict(),
                .exit_code = results.exit_code(),
                .text = TextReport(results, StyleOf(1)),
                .document = results.ToJson()};
}

// One trial of a run: its folder, or a file in it.
Result<Judged> JudgeOneTrial(const std::string& path, const SavedTrial& trial) {
  const std::string run = DirName(DirName(DirName(trial.directory)));
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(JoinPath(run, "plan.json"), kMaxPlan));
  TRIREME_ASSIGN_OR_RETURN(const Json plan, ParseJson(text, JoinPath(run, "plan.json")));
  const Json& cells = GetMember(plan, "cells");
  for (size_t i = 0; i < cells.size(); ++i) {
    if (GetString(cells[i], "id") != trial.cell) continue;
    const TrialJudgement judgement = RunJudge(plan).JudgeTrial(
        i,
        {.trial = trial.trial, .retry = trial.retry, .attempt = "", .directory = trial.directory});
    const int code = judgement.verdict == Verdict::kPass   ? kExitPass
                     : judgement.verdict == Verdict::kFail ? kExitFail
                                                           : kExitUnknown;
    std::string said = path + ": " + std::string(VerdictName(judgement.verdict));
    if (!judgement.reason.empty()) said += ": " + judgement.reason;
    return Judged{.path = path,
                  .verdict = judgement.verdict,
                  .exit_code = code,
                  .text = said + "\n",
                  .document = judgement.document};
  }
  return UsageError(path + ": the plan of " + run + " has no cell " + trial.cell);
}

Result<Judged> JudgePath(const std::string& path) {
  if (!FileExists(path)) return UsageError("there is no '" + path + "'");
  const std::string real = RealPath(path);
  if (IsDirectory(real) && FileExists(JoinPath(real, "plan.json"))) return JudgeRun(path);
  const std::optional<SavedTrial> trial = DescribeTrial(IsDirectory(real) ? real : DirName(real));
  if (trial && FileExists(JoinPath(DirName(DirName(DirName(trial->directory))), "plan.json")))
    return JudgeOneTrial(path, *trial);
  return UsageError(
      path + " is neither a run nor a history in one",
      "name a folder with a plan.json, or a history.trh below it; histories of other tools are not "
      "available yet");
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
  std::vector<std::string> paths;
  bool quiet = false;
  bool json = false;
  parser.Positionals("PATH", paths, "run directories, or histories in one");
  parser.Flag("--quiet", quiet, "one line each: PATH, a tab, and true, false or unknown");
  parser.Flag("--json", json, "one JSON document");
  parser.Later("--format");
  parser.Later("--check");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (paths.empty()) return Fail(UsageError("check what?", "'trireme check RUN', a run directory"));
  std::vector<Judged> all;
  for (const std::string& path : paths) {
    Result<Judged> judged = JudgePath(path);
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
