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

// How a lone history is judged.
struct Rules {
  const Json& checks;
  const std::vector<Suppression>& suppressions;
};

TrialJudgement Judge(const TrialLabel& label, const History& history, const std::string& stacks,
                     const Rules& rules) {
  const Json cell = {{"id", label.cell},
                     {"scenario", label.scenario},
                     {"runtime", label.runtime},
                     {"interpreter", label.interpreter},
                     {"checks", rules.checks}};
  TrialView view = MakeTrialView(history, cell, stacks);
  view.suppressions = &rules.suppressions;
  TrialJudgement judgement = JudgeTrial(view);
  Json findings = Json::array();
  for (const Finding& finding : judgement.findings) findings.push_back(FindingToJson(finding));
  judgement.document = {{"cell", label.cell},
                        {"trial", label.trial},
                        {"verdict", VerdictName(judgement.verdict)},
                        {"reason", judgement.reason},
                        {"findings", std::move(findings)},
                        {"suppressed", SuppressedToJson(judgement.suppressed)}};
  return judgement;
}

std::string HistoryIn(const std::string& folder) {
  for (const char* name : {"history.trh", "history.ring"})
    if (const std::string file = JoinPath(folder, name); FileExists(file)) return file;
  return "";
}

Result<std::vector<LoneTrial>> JudgeLines(const std::string& path, const std::string& text,
                                          const Rules& rules) {
  std::vector<LoneTrial> trials;
  for (const LabelledHistory& one : ReadHistoryLines(text)) {
    LoneTrial trial{.label = one.label, .judgement = Judge(one.label, one.history, "", rules)};
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
                                            const Json& checks,
                                            const std::vector<Suppression>& suppressions) {
  const Rules rules{.checks = checks, .suppressions = suppressions};
  const bool folder = IsDirectory(path);
  const std::string file = folder ? HistoryIn(path) : path;
  if (file.empty()) return Unrecognised(path, "it is neither a run nor holds a history");
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  if (format != "trh" && (format == "jsonl" || IsHistoryLines(text)))
    return JudgeLines(path, text, rules);
  const Result<History> history = History::Parse(text);
  if (!history.ok()) return Unrecognised(path, history.error().message);
  const Result<std::string> stacks =
      folder ? ReadFile(JoinPath(path, "stacks.txt"), kMaxStacks) : Result<std::string>("");
  return std::vector<LoneTrial>{
      {.label = {}, .judgement = Judge({}, *history, stacks.ok() ? *stacks : "", rules)}};
}

}  // namespace trireme
