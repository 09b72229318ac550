#include "harness/cli/run_execution.h"

#include <unistd.h>

#include <algorithm>

#include "harness/base/strings.h"
#include "harness/check/checker.h"
#include "harness/engine/processor_times.h"

namespace trireme {
namespace {

// Each has a runner that has loaded the workload: memory, and as much of a processor as some trials.
constexpr int kMostWaitingPerCore = 8;

bool FailIsExpected(const PlannedCell& cell) {
  const std::vector<std::string>& verdicts = cell.expectation.verdicts;
  return std::find(verdicts.begin(), verdicts.end(), "fail") != verdicts.end();
}

// What the runtime or its interpreter lacks is unsupported; what only the workload can mend is not.
CellState StateOf(const std::string& reason) {
  return reason == "missing" || reason == "unsupported" ? CellState::kUnsupported
                                                        : CellState::kUnknown;
}

// What the checks of each cell want recorded.
std::vector<ExtraRecording> WatchesOf(const Plan& plan) {
  std::vector<ExtraRecording> watches;
  for (const PlannedCell& cell : plan.cells) {
    Json checks = Json::array();
    for (const CheckChoice& choice : cell.checks)
      checks.push_back({{"name", choice.name}, {"arguments", choice.arguments}});
    const RecordingNeeds needs = NeedsOf(checks);
    watches.push_back({.hold_threshold = needs.hold_threshold,
                       .usage_interval = needs.usage_interval,
                       .wire = needs.wire});
  }
  return watches;
}

}  // namespace

int DefaultJobs() { return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))); }

RunExecution::RunExecution(const PreparedRun& run, const RunOptions& options,
                           RunDirectory& directory, Progress& progress)
    : run_(run),
      options_(options),
      directory_(directory),
      progress_(progress),
      judge_(run.plan.ToJson(), &InterruptIsPending),
      sweeps_(run.plan) {}

EngineOptions EngineOptionsFor(const PreparedRun& run, const RunOptions& options,
                               const Locations& locations, const std::string& run_directory) {
  EngineOptions engine{.locations = locations, .run_directory = run_directory};
  engine.jobs = options.run.jobs ? static_cast<int>(*options.run.jobs) : DefaultJobs();
  // Who says how many run at a time means just that.
  engine.most_jobs = options.run.jobs ? engine.jobs : engine.jobs * kMostWaitingPerCore;
  if (!MayUseAllProcessors()) engine.processors = nullptr;
  engine.budget = options.run.budget.value_or(0);
  engine.fail_fast = options.fail_fast;
  engine.keep = options.keep;
  engine.record = !options.no_record;
  engine.compiled = run.compiled;
  engine.watches = WatchesOf(run.plan);
  return engine;
}

Result<RunResults> RunExecution::Execute(const Locations& locations, const Json& about) {
  const EngineOptions engine = EngineOptionsFor(run_, options_, locations, directory_.path());
  const int64_t begin = SystemClock().Now();
  TRIREME_ASSIGN_OR_RETURN(const EngineOutcome outcome, RunPlan(run_.plan, engine, Events()));
  progress_.Clear();
  Json finished = about;
  finished["seconds"] =
      static_cast<double>((SystemClock().Now() - begin) / kNanosecondsPerMillisecond) / 1000;
  return Finish(outcome, finished);
}

EngineEvents RunExecution::Events() {
  EngineEvents events;
  events.judge = [this](const FinishedTrial& finished) { return Judge(finished); };
  events.refused = [this](size_t cell, const EngineEvents::Refusal& refusal) {
    Refuse(cell, refusal);
  };
  events.ready = [this](size_t cell, const Json& environment) {
    judge_.SetEnvironment(cell, environment);
  };
  events.note = [this](size_t cell, const std::string& note) { judge_.AddNote(cell, note); };
  events.tick = [this] { progress_.Tick(); };
  return events;
}

Judgement RunExecution::Judge(const FinishedTrial& finished) {
  const TrialJudgement judgement =
      judge_.JudgeTrial(finished.cell, {.trial = finished.trial,
                                        .retry = finished.retry,
                                        .attempt = finished.attempt,
                                        .directory = finished.directory,
                                        .seconds = finished.seconds});
  sweeps_.Add(finished.cell, finished.trial, judgement);
  const bool repeated =
      judgement.verdict == Verdict::kUnknown && judgement.unsupported.empty() && !finished.retry;
  const bool failed =
      judgement.verdict == Verdict::kFail && !FailIsExpected(run_.plan.cells[finished.cell]);
  if (!repeated) progress_.Finished(finished.cell, failed);
  failed_fast_ |= failed && options_.fail_fast;
  Judgement told = failed ? Judgement::kFail : Judgement::kExpectedFail;
  if (judgement.verdict == Verdict::kUnknown) told = Judgement::kUnknown;
  if (judgement.verdict == Verdict::kPass || !judgement.unsupported.empty())
    told = Judgement::kPass;
  Keep(directory_.WriteTrial(finished.directory, judgement, KeepsFolder(options_.keep, told)));
  return told;
}

void RunExecution::Refuse(size_t cell, const EngineEvents::Refusal& refusal) {
  std::string reason = refusal.message;
  if (refusal.line > 0) reason += " (line " + std::to_string(refusal.line) + ")";
  if (refusal.reason == "start" && start_error_.empty()) start_error_ = reason;
  judge_.Refuse(cell, StateOf(refusal.reason), reason);
  progress_.GaveUp(cell);
}

void RunExecution::Keep(const Status& written) {
  if (!written.ok() && write_error_.empty()) write_error_ = written.error().message;
}

RunResults RunExecution::Finish(const EngineOutcome& outcome, const Json& about) {
  if (outcome.budget_spent)
    judge_.AddRunNote("the budget of " + FormatDuration(*options_.run.budget) +
                      " was spent: not every trial was run");
  if (outcome.without_ports)
    judge_.AddRunNote(
        "other runs on this machine had all ports that any will do for: trials had none of their "
        "own, and may have met others'");
  if (failed_fast_)
    judge_.AddRunNote("no trial was started after the first unexpected failure (--fail-fast)");
  for (const auto& [cell, notes] : sweeps_.Notes())
    for (const std::string& note : notes) judge_.AddNote(cell, note);
  RunResults results = judge_.Finish(about);
  results.interrupted = outcome.interrupted;
  for (const std::string& reason : {outcome.infrastructure, write_error_, start_error_}) {
    if (reason.empty() || results.infrastructure_failed) continue;
    results.infrastructure_failed = true;
    results.infrastructure_reason = reason;
  }
  return results;
}

}  // namespace trireme
