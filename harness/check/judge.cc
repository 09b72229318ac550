#include "harness/check/judge.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/cell_summary.h"
#include "harness/check/ended_by_fault.h"
#include "harness/check/equivalence.h"
#include "harness/check/expectation.h"
#include "harness/check/fault_comparison.h"
#include "harness/check/mixed_arm_checker.h"
#include "harness/check/observations.h"
#include "harness/history/history.h"

namespace trireme {
namespace {

constexpr int64_t kLongestStacks = 16 << 20;  // bytes of stacks.txt

struct JudgedCell {
  explicit JudgedCell(const Json& cell) : plan(cell), observations(cell), faults(cell) {}

  Json plan;  // of plan.json
  CellSummary summary;
  CellObservations observations;
  CellFaults faults;
  Json environment = Json::object();
  std::optional<StateWithReason> refused;
  std::map<int64_t, std::vector<Finding>> undecided;  // findings of trials that are unknown
  std::string unsupported;                            // what a workload said first, in a trial
  std::set<int64_t> unsupported_trials;
  TrialSet differing;       // trials that differ from the reference
  std::string not_started;  // why a command did not, in some trial
  bool started = false;     // it did in another
  int64_t undecided_trial = -1;  // Comparison::undecided_trial
  bool ended_some = false;  // the plan itself ended the process of a trial

  std::string Text(const char* key) const { return GetString(plan, key); }
  std::string Name() const {
    const std::string interpreter = Text("interpreter");
    return Text("runtime") + (interpreter.empty() ? "" : "/" + interpreter);
  }
  int64_t planned() const {
    const Json& trials = GetMember(plan, "trials");
    return trials.is_array() ? static_cast<int64_t>(trials.size()) : 0;
  }
  bool ChecksEquivalence() const {
    const Json& checks = GetMember(plan, "checks");
    return checks.is_array() && std::any_of(checks.begin(), checks.end(), [](const Json& choice) {
             return GetString(choice, "name") == "equivalence";
           });
  }
  // By its trials alone. One that says that it cannot run undoes nothing that others showed.
  StateWithReason StateOfTrials() const {
    const TrialCounts counts = summary.Counts();
    if (const std::string reason = Text("unsupported"); !reason.empty() && counts.executed == 0)
      return {.state = CellState::kUnsupported, .reason = reason};
    if (unsupported_trials.empty() || counts.fail > 0)
      return StateOf(summary, planned(), GetDouble(plan, "max_unknown", 0.05));
    if (counts.pass == 0) return {.state = CellState::kUnsupported, .reason = unsupported};
    const auto said = static_cast<int64_t>(unsupported_trials.size());
    return {.state = CellState::kUnknown,
            .reason = Count(said, "trial") + (said == 1 ? " was" : " were") + " unsupported (" +
                      unsupported + "), " + std::to_string(counts.pass) + " passed"};
  }
  // The heavier of what its trials show and of what kept it from running on.
  StateWithReason State() const {
    StateWithReason state = StateOfTrials();
    if (!refused || state.state == CellState::kFail) return state;
    const int64_t passed = summary.Counts().pass;
    if (refused->state == CellState::kUnsupported && passed > 0)
      return {.state = CellState::kUnknown,
              .reason = Count(passed, "trial") + " passed, then: " + refused->reason};
    return *refused;
  }
  // Fit to be compared: a few trials that ended say little of a cell most of whose trials did not.
  bool comparable() const {
    return observations.trials() > 0 && observations.trials() * 2 >= planned();
  }
  bool judged() const {
    const CellState state = State().state;
    return state == CellState::kPass || state == CellState::kFail;
  }
  // Fit to be a reference.
  bool decided() const { return judged() && comparable(); }
  // What would make more of them comparable.
  std::string EndedInWords() const {
    return ended_some ? "; the plan itself ended trials: those can be compared that it ended at an "
                        "`event` or an `offset`"
                      : "";
  }
  std::string ComparableInWords() const {
    const std::string& missing = observations.missing();
    return std::to_string(observations.trials()) + " of " + Count(planned(), "trial") +
           (missing.empty() ? "" : " (" + missing + ")");
  }
};

// Whether two cells of a plan run the same thing on other interpreters or runtimes.
bool IsSameWork(const JudgedCell& a, const JudgedCell& b) {
  for (const char* key : {"scenario", "params", "faults", "arm"}) {
    if (CanonicalJson(GetMember(a.plan, key)) != CanonicalJson(GetMember(b.plan, key)))
      return false;
  }
  return true;
}

// The same of two cells that differ by their faults only.
std::string NameButForFaults(const JudgedCell& cell) {
  Json name = Json::array();
  for (const char* key : {"scenario", "params", "arm", "runtime", "interpreter"})
    name.push_back(GetMember(cell.plan, key));
  return CanonicalJson(name);
}

bool SuffersFaults(const JudgedCell& cell) { return !GetMember(cell.plan, "fault_plan").is_null(); }

Result<History> ReadHistory(const std::string& directory, const StopRequest& stop) {
  const std::string sealed = JoinPath(directory, "history.trh");
  if (FileExists(sealed)) return History::Read(sealed, stop);
  return History::Read(JoinPath(directory, "history.ring"), stop);
}

std::string StacksText(const std::string& directory) {
  Result<std::string> text = ReadFile(JoinPath(directory, "stacks.txt"), kLongestStacks);
  return text.ok() ? *std::move(text) : std::string();
}

TrialJudgement UnreadableTrial(const std::string& why) {
  TrialJudgement judgement;
  judgement.reason = "its history cannot be read: " + why;
  return judgement;
}

std::string_view VerdictWord(const TrialJudgement& judgement) {
  return judgement.unsupported.empty() ? VerdictName(judgement.verdict) : "unsupported";
}

void Describe(TrialJudgement& judgement, const JudgedCell& cell, const TrialToJudge& trial,
              double seconds, uint64_t run_seed) {
  const std::string id = cell.Text("id");
  Json findings = Json::array();
  for (const Finding& finding : judgement.findings) findings.push_back(FindingToJson(finding));
  const std::string seed = FormatHex(TrialSeed(run_seed, static_cast<uint64_t>(trial.trial)));
  judgement.line = {{"id", id + "/" + std::to_string(trial.trial) + (trial.retry ? ".retry" : "")},
                    {"cell", id},
                    {"trial", trial.trial},
                    {"seed", seed},
                    {"attempt", trial.attempt},
                    {"retry", trial.retry},
                    {"verdict", VerdictWord(judgement)},
                    {"seconds", seconds}};
  judgement.document = judgement.line;
  judgement.document["reason"] = judgement.reason;
  judgement.document["findings"] = std::move(findings);
  if (!judgement.suppressed.empty())
    judgement.document["suppressed"] = SuppressedToJson(judgement.suppressed);
}

// What the first trial that tells measured stands, instead of what the arm was meant to be.
void AddCommandEnvironment(JudgedCell& cell, const TrialView& view) {
  if (cell.environment.contains("processes")) return;
  cell.environment.update(CommandEnvironment(view));
}

void AddStart(JudgedCell& cell, const TrialView& view) {
  std::string why = WhyNotStarted(view);
  if (why.empty())
    cell.started = true;
  else if (cell.not_started.empty())
    cell.not_started = std::move(why);
}

void AddDifference(JudgedCell& cell, const Difference& difference) {
  cell.summary.AddCellFinding(difference.finding, difference.count, difference.first_trial);
  cell.differing.AddAll(difference.trials);
}

bool IsMixed(const TrialJudgement& judgement) {
  return std::any_of(judgement.findings.begin(), judgement.findings.end(),
                     [](const Finding& finding) { return finding.kind == kMixedArm; });
}

// What ran on something else than its arm says nothing of the arm.
void AddObservations(JudgedCell& cell, int64_t trial, const TrialView& view,
                     const TrialJudgement& judgement) {
  if (IsMixed(judgement)) {
    const std::vector<std::string> tests = TestsOnAHub(view, judgement.findings);
    if (!tests.empty()) cell.observations.AddMixedTrial(trial, view, tests);
  } else if (judgement.verdict != Verdict::kUnknown) {
    cell.observations.AddTrial(trial, view);
    cell.ended_some |= EndedByFault(view);
  }
}

}  // namespace

struct RunJudge::Impl {
  StopRequest stop;
  std::vector<JudgedCell> cells;
  uint64_t seed = 0;
  std::vector<std::string> notes;
  std::vector<Suppression> suppressions;
  // The references that show it, by scenario and key.
  std::map<std::pair<std::string, std::string>, std::set<std::string>> nondeterministic;
  std::map<std::string, const JudgedCell*> unfaulted;  // by what else they are; see WithoutFaults()

  const JudgedCell* FindCell(const std::string& id) const;
  bool IsReference(const JudgedCell& cell) const;
  const JudgedCell* ReferenceOf(const JudgedCell& cell) const;
  const CellObservations* WithoutFaults(const JudgedCell& cell);
  bool NothingStarted(const JudgedCell& cell) const;
  StateWithReason Compare(JudgedCell& cell, CellResult& result);
  bool FailsAsItsReference(const JudgedCell& cell) const;
  void FindNondeterminism(JudgedCell& cell);
  std::vector<std::string> NondeterminismNotes() const;
  CellResult FinishCell(JudgedCell& cell);
};

const JudgedCell* RunJudge::Impl::FindCell(const std::string& id) const {
  const auto found = std::find_if(cells.begin(), cells.end(),
                                  [&](const JudgedCell& cell) { return cell.Text("id") == id; });
  return found == cells.end() ? nullptr : &*found;
}

bool RunJudge::Impl::IsReference(const JudgedCell& cell) const {
  const std::string id = cell.Text("id");
  if (cell.Text("reference") == id || cell.Text("role") == "reference") return true;
  return std::any_of(cells.begin(), cells.end(),
                     [&](const JudgedCell& other) { return other.Text("reference") == id; });
}

// The planned one, or the same runtime on the first interpreter where it was decided; null when
// there is none.
const JudgedCell* RunJudge::Impl::ReferenceOf(const JudgedCell& cell) const {
  const JudgedCell* planned = FindCell(cell.Text("reference"));
  if (planned == nullptr || planned->decided()) return planned;
  for (const JudgedCell& other : cells) {
    const bool other_interpreter =
        other.Text("runtime") == planned->Text("runtime") && IsSameWork(other, cell);
    if (other_interpreter && other.decided()) return &other;
  }
  return nullptr;
}

// What the same cell observed without faults; null where the run has no such cell, or it is that itself.
const CellObservations* RunJudge::Impl::WithoutFaults(const JudgedCell& cell) {
  if (!SuffersFaults(cell)) return nullptr;
  if (unfaulted.empty())
    for (const JudgedCell& other : cells)
      if (!SuffersFaults(other)) unfaulted.emplace(NameButForFaults(other), &other);
  const auto found = unfaulted.find(NameButForFaults(cell));
  return found == unfaulted.end() ? nullptr : &found->second->observations;
}

// Whether a command began its work on none of its arms: that they end alike then says nothing.
bool RunJudge::Impl::NothingStarted(const JudgedCell& cell) const {
  return !cell.not_started.empty() &&
         std::none_of(cells.begin(), cells.end(), [&](const JudgedCell& other) {
           return other.started && IsSameWork(other, cell);
         });
}

// The verdict of equivalence alone; fills in what the comparison shows.
StateWithReason RunJudge::Impl::Compare(JudgedCell& cell, CellResult& result) {
  if (!cell.ChecksEquivalence() || IsReference(cell))
    return {.state = CellState::kPass, .reason = ""};
  const std::string planned = cell.Text("reference_name");
  const JudgedCell* reference = ReferenceOf(cell);
  const JudgedCell* meant = FindCell(cell.Text("reference"));
  const bool too_few = reference == nullptr ? meant != nullptr && meant->judged()
                                            : !cell.comparable() || !reference->comparable();
  if (too_few) {
    const JudgedCell& other = reference == nullptr ? *meant : *reference;
    return {.state = CellState::kUnknown,
            .reason = "equivalence: " + cell.ComparableInWords() + " here and " +
                      other.ComparableInWords() + " of the reference " + other.Name() +
                      " can be compared; it takes half of each" + cell.EndedInWords()};
  }
  if (reference == nullptr) {
    const std::string why = planned.empty()
                                ? "equivalence: the run has no reference"
                                : "equivalence: the reference " + planned + " was not decided";
    return {.state = CellState::kUnknown, .reason = why};
  }
  result.reference = reference->Name();
  Comparison comparison = CompareCells(cell.observations, reference->observations,
                                       reference->Name(), cell.Text("scenario"),
                                       WithoutFaults(*reference));
  AddFaultComparison({.here = cell.faults,
                      .reference = reference->faults,
                      .reference_name = reference->Name(),
                      .scenario = cell.Text("scenario"),
                      .wire = WireRuleOf(cell.plan),
                      .per_trial = cell.observations.per_trial(),
                      .same_inputs = cell.observations.same_inputs()},
                     comparison, result);
  result.comparison = comparison.entries;
  result.keys_compared = comparison.keys;
  cell.undecided_trial = comparison.undecided_trial;
  for (const Difference& difference : comparison.differences) AddDifference(cell, difference);
  if (comparison.verdict == Verdict::kPass) return {.state = CellState::kPass, .reason = ""};
  if (comparison.verdict == Verdict::kFail)
    return {.state = CellState::kFail, .reason = comparison.reason};
  return {.state = CellState::kUnknown, .reason = "equivalence: " + comparison.reason};
}

// Then nothing but the comparison tells them apart.
bool RunJudge::Impl::FailsAsItsReference(const JudgedCell& cell) const {
  const JudgedCell* reference = FindCell(cell.Text("reference"));
  return reference != nullptr && cell.State().state == CellState::kFail &&
         reference->State().state == CellState::kFail;
}

// A finding of the reference, and of no cell that is compared with it.
void RunJudge::Impl::FindNondeterminism(JudgedCell& cell) {
  if (!cell.ChecksEquivalence() || !IsReference(cell)) return;
  for (const std::string& key : NondeterministicKeys(cell.observations)) {
    Finding finding;
    finding.check = "equivalence";
    finding.kind = "nondeterministic";
    finding.advisory = true;
    finding.message = "'" + key +
                      "' differs between the halves of the reference's own trials, so it is "
                      "compared only by an explicit rule";
    finding.signature = Signature("nondeterministic", cell.Text("scenario") + '\n' + key, {});
    finding.evidence = {{"key", key}};
    cell.summary.AddCellFinding(finding, cell.observations.trials(),
                                cell.observations.first_trial());
    nondeterministic[{cell.Text("scenario"), key}].insert(cell.Name());
  }
}

// One for each key, however many interpreters and parameters have a reference of their own.
std::vector<std::string> RunJudge::Impl::NondeterminismNotes() const {
  constexpr size_t kMostKeys = 20;
  std::vector<std::string> said;
  for (const auto& [place, references] : nondeterministic) {
    if (said.size() == kMostKeys) break;
    const auto& [scenario, key] = place;
    const std::vector<std::string> names(references.begin(), references.end());
    said.push_back(scenario + ": '" + key + "' is nondeterministic in the reference (" +
                   Join(names, ", ") + "): it is compared only by an explicit rule");
  }
  if (const size_t more = nondeterministic.size() - said.size(); more > 0)
    said.push_back(Count(static_cast<int64_t>(more), "more key") + (more == 1 ? " is" : " are") +
                   " nondeterministic in the reference");
  return said;
}

namespace {

// What the plan says of the cell.
CellResult PlannedResult(const JudgedCell& cell) {
  CellResult result;
  result.id = cell.Text("id");
  result.scenario = cell.Text("scenario");
  result.summary = cell.Text("summary");
  result.directory = cell.Text("directory");
  result.runtime = cell.Text("runtime");
  result.model = cell.Text("model");
  result.interpreter = cell.Text("interpreter");
  result.role = GetString(cell.plan, "role", "subject");
  result.reference = cell.Text("reference_name");
  result.environment = cell.environment;
  if (GetMember(cell.plan, "params").is_object()) result.params = GetMember(cell.plan, "params");
  if (GetMember(cell.plan, "faults").is_array()) result.faults = GetMember(cell.plan, "faults");
  result.arm = GetMember(cell.plan, "arm");
  return result;
}

// The command that brings the cell back: with the trial that failed, or else the first that differed, or
// that may have.
std::string ReplayOf(const JudgedCell& cell, const CellResult& result) {
  int64_t to_replay = cell.summary.TrialToReplay();
  for (const CellFinding& found : result.findings) {
    if (found.finding.kind != "difference") continue;
    if (result.trials.fail == 0)
      to_replay = to_replay < 0 ? found.first_trial : std::min(to_replay, found.first_trial);
  }
  if (to_replay < 0 && result.state == CellState::kUnknown) to_replay = cell.undecided_trial;
  std::string replay = cell.Text("replay");
  if (to_replay >= 0 && !replay.empty())
    // Before a command, whose own options follow `--`.
    replay.insert(std::min(replay.find(" -- "), replay.size()),
                  " --trial " + std::to_string(to_replay));
  return replay;
}

}  // namespace

CellResult RunJudge::Impl::FinishCell(JudgedCell& cell) {
  CellResult result = PlannedResult(cell);
  StateWithReason state = cell.State();
  if (state.state != CellState::kUnsupported && (!cell.refused || cell.observations.trials() > 0)) {
    StateWithReason compared = Compare(cell, result);
    const bool heavier =
        compared.state == CellState::kFail
            ? state.state != CellState::kFail
            : compared.state == CellState::kUnknown && state.state == CellState::kPass;
    if (compared.state == CellState::kUnknown && FailsAsItsReference(cell))
      cell.summary.AddNote("not compared: " + compared.reason);
    if (heavier) state = std::move(compared);
    if (state.state == CellState::kPass && NothingStarted(cell))
      state = {.state = CellState::kUnknown, .reason = cell.not_started};
  }
  result.state = state.state;
  result.reason = std::move(state.reason);
  if (cell.refused) {
    result.refusal = {.state = cell.refused->state, .reason = cell.refused->reason};
    if (state.state == CellState::kFail)
      cell.summary.AddNote("it did not run on: " + cell.refused->reason);
  }
  result.trials = cell.summary.Counts();
  result.trials.planned = cell.planned();
  result.seconds = cell.summary.Seconds();
  result.outcomes = cell.summary.outcomes();
  for (const auto& [trial, findings] : cell.undecided) cell.summary.AddFindings(trial, findings);
  result.findings = cell.summary.findings();
  result.suppressed = cell.summary.suppressed();
  result.metrics = cell.summary.Metrics();
  result.notes = cell.summary.notes();

  TrialSet failing = cell.summary.FailedTrials();
  failing.AddAll(cell.differing);
  CellExpectation expectation = CellExpectation::FromJson(GetMember(cell.plan, "expect"));
  expectation.whole = cell.planned() >= GetInt(cell.plan, "trials_of_plan");
  ExpectationJudgement judgement = JudgeExpectation(expectation, result, failing.size());
  result.state = judgement.state;
  result.expected = judgement.expected;
  result.expectation = expectation.InWords();
  if (!judgement.reason.empty()) {
    result.reason =
        result.reason.empty() ? judgement.reason : judgement.reason + "; " + result.reason;
  }
  result.replay = ReplayOf(cell, result);
  cell.faults.Describe(result);
  return result;
}

RunJudge::RunJudge(const Json& plan, StopRequest stop) : impl_(std::make_unique<Impl>()) {
  impl_->stop = std::move(stop);
  const Json& seed = GetMember(plan, "seed");
  if (seed.is_string()) impl_->seed = ParseUnsigned(seed.get<std::string>()).value_or(0);
  if (seed.is_number_unsigned()) impl_->seed = seed.get<uint64_t>();
  const Json& notes = GetMember(plan, "notes");
  if (notes.is_array()) {
    for (const Json& note : notes) {
      if (note.is_string()) AddRunNote(note.get<std::string>());
    }
  }
  impl_->suppressions = SuppressionsFromJson(GetMember(plan, "suppressions"));
  const Json& cells = GetMember(plan, "cells");
  if (!cells.is_array()) return;
  impl_->cells.reserve(cells.size());
  for (const Json& cell : cells) impl_->cells.emplace_back(cell);
}

RunJudge::~RunJudge() = default;

size_t RunJudge::cell_count() const { return impl_->cells.size(); }

TrialJudgement RunJudge::JudgeTrial(size_t index, const TrialToJudge& trial) {
  TRIREME_CHECK(index < impl_->cells.size());
  JudgedCell& cell = impl_->cells[index];
  const Result<History> history = ReadHistory(trial.directory, impl_->stop);
  if (!history.ok()) {
    TrialJudgement judgement = UnreadableTrial(history.error().message);
    if (IsStopped(impl_->stop)) judgement.reason = kStoppedJudging;
    Describe(judgement, cell, trial, trial.seconds, impl_->seed);
    cell.summary.AddSeconds(trial.seconds);
    cell.summary.AddVerdict(trial.trial, judgement.verdict, judgement.reason);
    return judgement;
  }
  TrialView view = MakeTrialView(*history, cell.plan, StacksText(trial.directory));
  view.suppressions = &impl_->suppressions;
  view.repeated = trial.retry;
  TrialJudgement judgement = trireme::JudgeTrial(view, impl_->stop);
  const double seconds = view.exit.seconds > 0 ? view.exit.seconds : trial.seconds;
  Describe(judgement, cell, trial, seconds, impl_->seed);
  if (judgement.in_flight) return judgement;
  cell.summary.AddSeconds(seconds);
  if (!judgement.unsupported.empty()) {
    if (cell.unsupported.empty()) cell.unsupported = judgement.unsupported;
    cell.unsupported_trials.insert(trial.trial);
    return judgement;
  }
  const bool stands = cell.summary.AddVerdict(trial.trial, judgement.verdict, judgement.reason);
  if (view.begin != nullptr && cell.environment.empty()) {
    const Json environment = GetMember(view.begin->Value(), "environment");
    if (environment.is_object()) cell.environment = environment;
  }
  if (IsCommand(cell.plan)) AddCommandEnvironment(cell, view);
  if (!stands) return judgement;
  cell.faults.AddTrial(trial.trial, view, judgement.verdict, judgement.reason, judgement.findings,
                       judgement.not_exercised);
  for (const std::string& problem : FaultProblems(view)) cell.summary.AddNote(problem);
  cell.summary.AddSuppressed(trial.trial, judgement.suppressed);
  cell.undecided.erase(trial.trial);
  AddObservations(cell, trial.trial, view, judgement);
  if (judgement.verdict == Verdict::kUnknown) {
    if (!judgement.findings.empty()) cell.undecided[trial.trial] = judgement.findings;
    return judgement;
  }
  cell.summary.AddFindings(trial.trial, judgement.findings);
  cell.summary.AddMeasurements(view, judgement.outcomes);
  if (IsCommand(cell.plan)) AddStart(cell, view);
  return judgement;
}

void RunJudge::Refuse(size_t cell, CellState state, const std::string& reason) {
  TRIREME_CHECK(cell < impl_->cells.size());
  impl_->cells[cell].refused = StateWithReason{.state = state, .reason = reason};
}

void RunJudge::SetEnvironment(size_t cell, const Json& environment) {
  TRIREME_CHECK(cell < impl_->cells.size());
  Json& known = impl_->cells[cell].environment;
  if (environment.is_object() && !known.contains("processes")) known = environment;
}

void RunJudge::AddNote(size_t cell, const std::string& note) {
  TRIREME_CHECK(cell < impl_->cells.size());
  impl_->cells[cell].summary.AddNote(note);
}

void RunJudge::AddRunNote(const std::string& note) {
  if (std::find(impl_->notes.begin(), impl_->notes.end(), note) == impl_->notes.end())
    impl_->notes.push_back(note);
}

RunResults RunJudge::Finish(const Json& run) {
  RunResults results;
  results.run = run.is_object() ? run : Json::object();
  for (JudgedCell& cell : impl_->cells) {
    impl_->FindNondeterminism(cell);
    results.cells.push_back(impl_->FinishCell(cell));
  }
  for (const std::string& note : impl_->NondeterminismNotes()) AddRunNote(note);
  results.notes = impl_->notes;
  results.suppressions = impl_->suppressions;
  results.CountSuppressed();
  return results;
}

}  // namespace trireme
