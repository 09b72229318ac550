#include "harness/cli/saved_run.h"

#include <algorithm>

#include "harness/base/file.h"
#include "harness/base/json_salvage.h"
#include "harness/base/strings.h"
#include "harness/check/judge.h"
#include "harness/check/shape.h"

namespace trireme {
namespace {

constexpr int64_t kMaxResults = 1 << 30;
constexpr std::string_view kRetry = ".retry";

Result<RunResults> ParseResults(const std::string& file) {
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxResults));
  const SalvagedJson salvaged = SalvageJson(text);
  Result<RunResults> results = RunResults::FromJson(salvaged.value);
  if (!results.ok()) return UsageError(file + ": " + results.error().message, salvaged.damage);
  if (!salvaged.damage.empty())
    results->notes.push_back(file + " is " + salvaged.damage +
                             "; what comes after is missing here");
  else
    for (const std::string& problem : ShapeProblems(ResultsSchema(), salvaged.value))
      results->notes.push_back(file + ": " + problem);
  return results;
}

}  // namespace

Result<RunResults> ReadResults(const std::string& path) {
  if (!FileExists(path))
    return UsageError("there is no run '" + path + "'",
                      "runs are in trireme-runs, unless --out said otherwise");
  if (!IsDirectory(path)) return ParseResults(path);
  const std::string file = JoinPath(path, "results.json");
  if (FileExists(file)) {
    Result<RunResults> results = ParseResults(file);
    if (results.ok() || !FileExists(JoinPath(path, "plan.json"))) return results;
  }
  if (!FileExists(JoinPath(path, "plan.json")))
    return UsageError(path + " is no run: it has neither results.json nor plan.json");
  TRIREME_ASSIGN_OR_RETURN(RunResults results, JudgeSavedRun(path));
  results.notes.emplace_back("the run has no readable results.json: judged from its trials");
  return results;
}

std::optional<SavedTrial> DescribeTrial(const std::string& directory) {
  std::string name = BaseName(directory);
  const bool retry = name.ends_with(kRetry);
  if (retry) name.resize(name.size() - kRetry.size());
  const std::optional<uint64_t> number = ParseUnsigned(name);
  if (!number || name.starts_with("0x")) return std::nullopt;
  SavedTrial trial{.cell = BaseName(DirName(directory)),
                   .trial = static_cast<int64_t>(*number),
                   .retry = retry,
                   .directory = directory};
  for (const char* file : {"history.trh", "history.ring"})
    if (trial.history.empty() && FileExists(JoinPath(directory, file)))
      trial.history = JoinPath(directory, file);
  return trial;
}

std::vector<SavedTrial> ListTrials(const std::string& run) {
  std::vector<SavedTrial> trials;
  const std::string folder = JoinPath(run, "trials");
  for (const std::string& cell : ListDirectory(folder)) {
    std::vector<SavedTrial> of_cell;
    for (const std::string& name : ListDirectory(JoinPath(folder, cell)))
      if (std::optional<SavedTrial> trial = DescribeTrial(JoinPath(JoinPath(folder, cell), name)))
        of_cell.push_back(*std::move(trial));
    std::stable_sort(of_cell.begin(), of_cell.end(),
                     [](const SavedTrial& a, const SavedTrial& b) { return a.trial < b.trial; });
    trials.insert(trials.end(), of_cell.begin(), of_cell.end());
  }
  return trials;
}

}  // namespace trireme
