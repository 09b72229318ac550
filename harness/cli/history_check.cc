#include "harness/cli/history_check.h"

#include <algorithm>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/history/jsonl_reader.h"

namespace trireme {
namespace {

constexpr int64_t kMaxStacks = 16 << 20;

Diagnostic Unrecognised(const std::string& path, const std::string& what) {
  return UsageError(
      path + ": " + what,
      "recognised are run directories, histories of Trireme (trh: history.trh, history.ring, or "
      "their folder) and what 'trireme history' prints (jsonl); other formats are not available "
      "yet");
}

TrialJudgement Judge(const TrialLabel& label, const History& history, const std::string& stacks,
                     const Json& checks) {
  const Json cell = {{"id", label.cell},
                     {"scenario", label.scenario},
                     {"runtime", label.runtime},
                     {"interpreter", label.interpreter},
                     {"checks", checks}};
  TrialJudgement judgement = JudgeTrial(MakeTrialView(history, cell, stacks));
  Json findings = Json::array();
  for (const Finding& finding : judgement.findings) findings.push_back(FindingToJson(finding));
  judgement.document = {{"cell", label.cell},
                        {"trial", label.trial},
                        {"verdict", VerdictName(judgement.verdict)},
                        {"reason", judgement.reason},
                        {"findings", std::move(findings)}};
  return judgement;
}

std::string HistoryIn(const std::string& folder) {
  for (const char* name : {"history.trh", "history.ring"})
    if (const std::string file = JoinPath(folder, name); FileExists(file)) return file;
  return "";
}

Result<std::vector<LoneTrial>> JudgeLines(const std::string& path, const std::string& text,
                                          const Json& checks) {
  std::vector<LoneTrial> trials;
  for (const LabelledHistory& one : ReadHistoryLines(text)) {
    LoneTrial trial{.label = one.label, .judgement = Judge(one.label, one.history, "", checks)};
    const auto earlier = std::find_if(trials.begin(), trials.end(), [&](const LoneTrial& other) {
      return other.label.cell == one.label.cell && other.label.trial == one.label.trial;
    });
    if (earlier == trials.end())
      trials.push_back(std::move(trial));
    else if (earlier->judgement.verdict == Verdict::kUnknown)
      *earlier = std::move(trial);
  }
  if (trials.empty()) return Unrecognised(path, "no line of it is an event");
  return trials;
}

}  // namespace

std::vector<std::string> HistoryFormats() { return {"trh", "jsonl"}; }

Result<std::vector<LoneTrial>> JudgeHistory(const std::string& path, const std::string& format,
                                            const Json& checks) {
  const bool folder = IsDirectory(path);
  const std::string file = folder ? HistoryIn(path) : path;
  if (file.empty()) return Unrecognised(path, "it is neither a run nor holds a history");
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  if (format != "trh" && (format == "jsonl" || IsHistoryLines(text)))
    return JudgeLines(path, text, checks);
  const Result<History> history = History::Parse(text);
  if (!history.ok()) return Unrecognised(path, history.error().message);
  const Result<std::string> stacks =
      folder ? ReadFile(JoinPath(path, "stacks.txt"), kMaxStacks) : Result<std::string>("");
  return std::vector<LoneTrial>{
      {.label = {}, .judgement = Judge({}, *history, stacks.ok() ? *stacks : "", checks)}};
}

}  // namespace trireme
