#include "harness/cli/minimise.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/ddmin.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/faults_from.h"
#include "harness/fault/fault_yaml.h"
#include "harness/fault/simpler_numbers.h"
#include "harness/scenario/replay.h"

namespace trireme {
namespace {

constexpr int64_t kFirstRepeats = 5;    // of all that was applied
constexpr int64_t kChanceRepeats = 20;  // of it, where it fails by chance
constexpr int64_t kMostRepeats = 44;    // of it, where it does not fail: one trial of ten, missed one time in a hundred
constexpr int64_t kRepeats = 3;         // of fewer faults, where those failed each time
constexpr const char* kMinimalName = "minimal";
constexpr const char* kTestsFolder = "minimise";  // in the run directory, while it goes on

std::string Counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

FaultPlan SubsetOf(const FaultPlan& plan, const std::vector<size_t>& kept) {
  FaultPlan subset = {.name = kMinimalName, .summary = plan.summary};
  for (const size_t index : kept) subset.faults.push_back(plan.faults[index]);
  return subset;
}

const CellFinding* FirstFinding(const CellResult& cell) {
  for (const CellFinding& found : cell.findings)
    if (!found.finding.advisory) return &found;
  return nullptr;
}

// Whether the trial's own verdict names the finding; else it is of a comparison.
bool IsOfTrial(const std::string& trial_folder, const std::string& signature) {
  const Result<std::string> text = ReadFile(JoinPath(trial_folder, "verdict.json"));
  const Result<Json> verdict = text.ok() ? ParseJson(*text, trial_folder) : Json();
  if (!verdict.ok()) return false;
  for (const Json& finding : GetMember(*verdict, "findings"))
    if (GetString(finding, "signature") == signature) return true;
  return false;
}

// Reduces what one trial suffered.
class Reduction {
 public:
  Reduction(const PreparedRun& run, size_t cell, const CellFinding& found,
            const std::string& trial_folder, const MinimiseOptions& options)
      : options_(options),
        repeated_(run, cell, found.first_trial, found.finding.signature,
                  !IsOfTrial(trial_folder, found.finding.signature)),
        folder_(JoinPath(options.engine.run_directory, kTestsFolder)) {}

  // Total: what went wrong is error().
  void Run(const FaultPlan& applied) {
    plan_ = applied;
    before_ = applied.faults.size();
    Measure();
    if (first_.failed == 0 || stopped_) return;
    const Minimum minimum = Ddmin(before_, [&](const std::vector<size_t>& subset) {
      return subset.size() == before_ ? SubsetOutcome::kFails
                                      : Outcome(Try(SubsetOf(applied, subset)));
    });
    plan_ = SubsetOf(applied, minimum.kept);
    for (size_t i = 0; i < plan_.faults.size() && !stopped_; ++i) SimplifyNumbers(i);
  }

  const FaultPlan& plan() const { return plan_; }
  size_t before() const { return before_; }
  const std::optional<Diagnostic>& error() const { return error_; }
  bool stopped() const { return stopped_; }
  bool interrupted() const { return interrupted_; }
  bool reproduced() const { return first_.failed > 0; }
  bool measured() const { return first_.decided > 0; }
  int64_t measured_in() const { return first_.run; }  // trials

  // "7 faults before, 1 after; 9 tests of 3 trials each"
  std::string Tried() const {
    return Counted(before_, "fault") + " before, " + std::to_string(plan_.faults.size()) +
           " after; " + Counted(tests_, "test") + ", " +
           Counted(static_cast<size_t>(trials_), "trial");
  }

  // By which rule it failed.
  std::string Rule() const {
    const std::string first = "all of them failed in " + std::to_string(first_.failed) + " of " +
                              Counted(static_cast<size_t>(first_.decided), "decided trial");
    if (IsDeterministic())
      return first + ", so that fewer had to fail in each of " + std::to_string(kRepeats);
    return first + ", by chance, so that fewer had to fail once in " +
           std::to_string(TrialsToSeeOnce(first_.failed, first_.decided));
  }

 private:
  enum class Answer { kFails, kPasses, kCannot };

  static SubsetOutcome Outcome(Answer answer) {
    if (answer == Answer::kCannot) return SubsetOutcome::kStop;
    return answer == Answer::kFails ? SubsetOutcome::kFails : SubsetOutcome::kPasses;
  }

  bool IsDeterministic() const { return first_.failed == first_.decided; }

  void Measure() {
    for (;;) {
      const RepeatRequest more = MoreOfTheWhole(first_);
      const std::optional<Repeats> repeats =
          more.times > 0 ? Repeat(plan_, more) : std::nullopt;
      if (!repeats) break;
      first_.run += repeats->run;
      first_.failed += repeats->failed;
      first_.decided += repeats->decided;
    }
    ++tests_;
  }

  Answer Try(const FaultPlan& plan) {
    const int64_t times =
        IsDeterministic() ? kRepeats : TrialsToSeeOnce(first_.failed, first_.decided);
    const std::optional<Repeats> repeats =
        Repeat(plan, {.times = times, .until_shown = !IsDeterministic()});
    if (!repeats) return Answer::kCannot;
    ++tests_;
    if (!IsDeterministic()) return repeats->failed > 0 ? Answer::kFails : Answer::kPasses;
    const bool is_decided = 2 * repeats->decided > times;
    return is_decided && repeats->failed == repeats->decided ? Answer::kFails : Answer::kPasses;
  }

  // Nothing when no more can be run.
  std::optional<Repeats> Repeat(const FaultPlan& plan, const RepeatRequest& request) {
    EngineOptions engine = options_.engine;
    engine.keep = "none";
    const int64_t left = options_.deadline - SystemClock().Now();
    engine.budget = options_.deadline == 0 ? 0 : left;
    if ((options_.deadline != 0 && left <= 0) || trials_ + request.times > options_.most_trials)
      stopped_ = true;
    if (stopped_) return std::nullopt;
    const Json json = plan.faults.empty() ? Json() : plan.ToJson();
    Result<Repeats> repeats =
        repeated_.Run(json, request, std::move(engine), JoinPath(folder_, std::to_string(tests_)));
    if (!repeats.ok()) error_ = repeats.error();
    interrupted_ = repeats.ok() && repeats->interrupted;
    stopped_ = !repeats.ok() || repeats->interrupted || repeats->budget_spent;
    if (stopped_) return std::nullopt;
    trials_ += repeats->run;
    return *repeats;
  }

  // Each number in turn, the simplest that still fails.
  void SimplifyNumbers(size_t index) {
    const size_t numbers = SimplerPlans(plan_, index).size();
    for (size_t number = 0; number < numbers; ++number) {
      const std::vector<std::vector<FaultPlan>> lists = SimplerPlans(plan_, index);
      for (const FaultPlan& simpler : lists[number]) {
        if (Try(simpler) != Answer::kFails) continue;
        plan_ = simpler;
        break;
      }
    }
  }

  const MinimiseOptions& options_;
  RepeatedTrial repeated_;
  std::string folder_;
  FaultPlan plan_;
  size_t before_ = 0, tests_ = 0;
  int64_t trials_ = 0;
  Repeats first_;
  bool stopped_ = false, interrupted_ = false;
  std::optional<Diagnostic> error_;
};

struct Failure {
  size_t cell = 0;
  const CellFinding* found = nullptr;
  std::string trial;  // its folder below the run directory
  std::string name;   // "planted/partial-write on threading/3.11, trial 0: lost-update"
};

std::vector<Failure> FailuresUnderFaults(const Plan& plan, const RunResults& results) {
  std::vector<Failure> failures;
  for (size_t i = 0; i < std::min(plan.cells.size(), results.cells.size()); ++i) {
    const CellResult& cell = results.cells[i];
    const CellFinding* found = FirstFinding(cell);
    // What was added for comparison only was not asked for.
    const bool is_asked = plan.cells[i].role == "subject" && !plan.cells[i].fault_plan.is_null();
    if (!is_asked || cell.state != CellState::kFail || found == nullptr) continue;
    const std::string trial = std::to_string(found->first_trial);
    failures.push_back({.cell = i,
                        .found = found,
                        .trial = JoinPath(JoinPath("trials", cell.id), trial),
                        .name = cell.scenario + " on " + cell.runtime +
                                (cell.interpreter.empty() ? "" : "/" + cell.interpreter) +
                                ", trial " + trial + ": " + found->finding.kind});
  }
  return failures;
}

// What is said where no plan is the answer; "" where one is.
std::string NoPlan(const Reduction& reduction) {
  if (!reduction.measured()) return "no repeat of it was decided in the time and trials allowed";
  if (!reduction.reproduced())
    return "the " + Counted(reduction.before(), "fault") +
           " applied in it, brought again, did not "
           "bring the finding again in " +
           std::to_string(reduction.measured_in()) + " trials: nothing can be left out";
  if (reduction.plan().faults.empty())
    return "it fails without any fault as well: " + reduction.Rule() + "; " + reduction.Tried();
  return "";
}

std::string MinimalDocument(const Failure& failure, const Reduction& reduction,
                            const std::string& replay) {
  FaultPlan plan = reduction.plan();
  plan.name = kMinimalName;
  plan.summary = "What is left of the faults of " + failure.name;
  return "# " + failure.name + "\n# " + reduction.Tried() +
         (reduction.stopped() ? "; stopped by the limit of time or trials" : "") + "\n# " +
         reduction.Rule() + "\n# " + replay + "\n" + FaultPlanToYaml(plan);
}

// Of a sweep, whose trials are points, no trial has that number once the plan names its point.
std::string ReplayOf(const PlannedCell& cell, const Failure& failure, const std::string& file) {
  const std::string replay = WithFaults(cell.replay, file);
  if (!cell.sweep.is_null()) return replay;
  return WithOption(replay, "--trial " + std::to_string(failure.found->first_trial));
}

// Whether there is to be a next one: not after an interruption.
Result<bool> MinimiseOne(const PreparedRun& run, const Failure& failure,
                         const RunDirectory& directory, const MinimiseOptions& options) {
  const std::string folder = JoinPath(directory.path(), failure.trial);
  const Result<FaultsOfTrial> applied = ReadFaultsFrom(folder, {});
  if (!applied.ok()) {
    Print("minimise: " + failure.name + ": " + applied.error().message + "\n");
    return true;
  }
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan plan, FaultPlan::FromJson(applied->choice.plan));
  Reduction reduction(run, failure.cell, *failure.found, folder, options);
  reduction.Run(plan);
  if (reduction.error()) return *reduction.error();
  if (const std::string none = NoPlan(reduction); !none.empty()) {
    Print("minimise: " + failure.name + ": " + none + "\n");
    return !reduction.interrupted();
  }
  const std::string file = JoinPath(failure.trial, std::string(kMinimalName) + ".yaml");
  const std::string text = MinimalDocument(
      failure, reduction,
      ReplayOf(run.plan.cells[failure.cell], failure, JoinPath(directory.shown(), file)));
  Print("minimise: " + JoinPath(directory.shown(), file) + ":\n" + text);
  TRIREME_RETURN_IF_ERROR(WriteFileAtomically(JoinPath(directory.path(), file), text));
  return !reduction.interrupted();
}

}  // namespace

RepeatRequest MoreOfTheWhole(const Repeats& so_far) {
  if (so_far.run == 0) return {.times = kFirstRepeats};
  if (so_far.decided == 0 || so_far.failed == so_far.decided) return {.times = 0};
  const bool failed = so_far.failed > 0;
  const int64_t wanted = failed ? kChanceRepeats : kMostRepeats;
  return {.times = std::max<int64_t>(wanted - so_far.run, 0), .until_shown = !failed};
}

int64_t TrialsToSeeOnce(int64_t failed, int64_t run) {
  if (failed >= run) return 1;
  const double missed = 1 - static_cast<double>(failed) / static_cast<double>(run);
  return static_cast<int64_t>(std::ceil(std::log(0.01) / std::log(missed)));
}

int MinimiseFailures(const PreparedRun& run, const RunResults& results,
                     const RunDirectory& directory, const MinimiseOptions& options, int code) {
  if (results.interrupted || results.infrastructure_failed) return code;
  const std::vector<Failure> failures = FailuresUnderFaults(run.plan, results);
  if (failures.empty())
    Print("minimise: no trial failed under faults: there is nothing to reduce\n");
  for (const Failure& failure : failures) {
    const Result<bool> goes_on = MinimiseOne(run, failure, directory, options);
    if (!goes_on.ok()) return Fail(goes_on.error());
    if (!*goes_on) code = kExitInterrupted;
    if (!*goes_on) break;
  }
  const Status removed = RemoveTree(JoinPath(directory.path(), kTestsFolder));
  return removed.ok() ? code : Fail(removed.error());
}

}  // namespace trireme
