#include "harness/check/cell_summary.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace trireme {
namespace {

constexpr size_t kMostMetrics = 200;
constexpr size_t kMostReasons = 20;
constexpr size_t kMostOutcomes = 200;
constexpr double kLongestTrial = 1e9;  // seconds; a damaged history may say anything

}  // namespace

bool CellSummary::AddVerdict(int64_t trial, Verdict verdict, const std::string& reason) {
  const auto [found, is_new] = verdicts_.try_emplace(trial, verdict);
  if (!is_new && found->second != Verdict::kUnknown) return false;
  decided_by_repetition_ += !is_new && verdict != Verdict::kUnknown ? 1 : 0;
  found->second = verdict;
  if (is_new && verdict == Verdict::kUnknown) {
    if (unknown_reasons_.size() < kMostReasons || unknown_reasons_.contains(reason))
      ++unknown_reasons_[reason];
  }
  return true;
}

void CellSummary::AddFindings(int64_t trial, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) AddCellFinding(finding, 1, trial);
}

void CellSummary::AddSuppressed(int64_t trial, const std::vector<SuppressedFinding>& suppressed) {
  for (const SuppressedFinding& known : suppressed) {
    SuppressedTrials& by_place = suppressed_[known.place];
    by_place.trials.Add(trial);
    by_place.findings.Add(known.finding, 1, trial);
  }
}

std::vector<CellSuppression> CellSummary::suppressed() const {
  std::vector<CellSuppression> all;
  for (const auto& [place, known] : suppressed_)
    all.push_back(
        {.place = place, .count = known.trials.size(), .findings = known.findings.all()});
  return all;
}

void CellSummary::AddCellFinding(const Finding& finding, int64_t count, int64_t first_trial) {
  findings_.Add(finding, count, first_trial);
}

void CellSummary::Measure(const std::string& name, const std::string& unit, double value) {
  auto found = metrics_.find(name);
  if (found == metrics_.end()) {
    if (metrics_.size() == kMostMetrics) {
      metrics_left_out_ = true;
      return;
    }
    found = metrics_.emplace(name, Metric{.unit = unit, .values = {}}).first;
  }
  found->second.values.Add(value);
}

void CellSummary::AddMeasurements(const TrialView& view, std::set<std::string> outcomes) {
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kOutcome) outcomes.emplace(event.key);
    if (event.kind != EventKind::kMetric) continue;
    const Json value = event.Value();
    if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_string()) {
      AddNote("a value of the metric '" + std::string(event.key) + "' is no number, and left out");
      continue;
    }
    Measure(std::string(event.key), value[1].get<std::string>(), value[0].get<double>());
  }
  for (const std::string& name : outcomes) {
    if (outcomes_.size() < kMostOutcomes || outcomes_.contains(name)) ++outcomes_[name];
  }
  Measure("wall_seconds", "seconds", view.exit.seconds);
  Measure("cpu_seconds", "seconds", view.exit.user + view.exit.system);
  Measure("rss", "bytes", static_cast<double>(view.exit.rss));
}

void CellSummary::AddSeconds(double seconds) {
  const bool possible = seconds >= 0 && seconds <= kLongestTrial;
  microseconds_ = microseconds_.value_or(0) + (possible ? std::llround(seconds * 1e6) : 0);
}

std::optional<double> CellSummary::Seconds() const {
  if (!microseconds_) return std::nullopt;
  return static_cast<double>(*microseconds_) / 1e6;
}

void CellSummary::AddNote(const std::string& note) {
  constexpr size_t kMostNotes = 50;
  if (notes_.size() < kMostNotes && std::find(notes_.begin(), notes_.end(), note) == notes_.end()) {
    notes_.push_back(note);
  }
}

TrialCounts CellSummary::Counts() const {
  TrialCounts counts;
  for (const auto& [trial, verdict] : verdicts_) {
    ++counts.executed;
    counts.pass += verdict == Verdict::kPass ? 1 : 0;
    counts.fail += verdict == Verdict::kFail ? 1 : 0;
    counts.unknown += verdict == Verdict::kUnknown ? 1 : 0;
  }
  return counts;
}

std::vector<std::string> CellSummary::notes() const {
  std::vector<std::string> notes = notes_;
  // A run that is judged again brings its notes along, these among them.
  const auto add = [&](const std::string& note) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  };
  if (decided_by_repetition_ > 0) {
    add(Count(decided_by_repetition_, "trial") + " unknown at first, decided when repeated");
  }
  if (findings_.left_out() > 0) {
    add(Count(findings_.left_out(), "finding") + " of further signatures left out of this report");
  }
  if (metrics_left_out_)
    add("only the first " + std::to_string(kMostMetrics) + " metrics are kept");
  return notes;
}

Json CellSummary::Metrics() const {
  Json all = Json::object();
  for (const auto& [name, metric] : metrics_) {
    all[name] = {{"unit", metric.unit},           {"n", metric.values.count()},
                 {"min", metric.values.min()},    {"p50", metric.values.At(0.5)},
                 {"p99", metric.values.At(0.99)}, {"max", metric.values.max()}};
  }
  return all;
}

int64_t CellSummary::TrialToReplay() const {
  int64_t failed = -1;
  int64_t unknown = -1;
  for (const auto& [trial, verdict] : verdicts_) {
    int64_t& first = verdict == Verdict::kFail ? failed : unknown;
    if (verdict != Verdict::kPass && (first < 0 || trial < first)) first = trial;
  }
  return failed >= 0 ? failed : unknown;
}

TrialSet CellSummary::FailedTrials() const {
  TrialSet failed;
  for (const auto& [trial, verdict] : verdicts_) {
    if (verdict == Verdict::kFail) failed.Add(trial);
  }
  return failed;
}

std::string CellSummary::CommonUnknownReason() const {
  const auto most =
      std::max_element(unknown_reasons_.begin(), unknown_reasons_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == unknown_reasons_.end() ? "" : most->first;
}

StateWithReason StateOf(const CellSummary& summary, int64_t planned, double max_unknown) {
  const TrialCounts counts = summary.Counts();
  if (counts.fail > 0) {
    for (const CellFinding& found : summary.findings()) {
      if (!found.finding.advisory)
        return {.state = CellState::kFail, .reason = found.finding.message};
    }
    return {.state = CellState::kFail, .reason = Count(counts.fail, "trial") + " failed"};
  }
  const int64_t missing = std::max<int64_t>(0, planned - counts.executed);
  const int64_t open = counts.unknown + missing;
  const int64_t all = counts.executed + missing;
  const bool decided = all > 0 && counts.pass * 2 >= all &&
                       static_cast<double>(open) <= max_unknown * static_cast<double>(all);
  if (decided) return {.state = CellState::kPass, .reason = ""};
  if (all == 0) return {.state = CellState::kUnknown, .reason = "no trial was planned"};
  std::string reason;
  if (counts.unknown > 0) {
    reason = std::to_string(counts.unknown) + " of " + Count(all, "trial") +
             " unknown: " + summary.CommonUnknownReason();
  }
  if (missing > 0) {
    reason += (reason.empty() ? "" : "; ") + std::to_string(missing) + " of " +
              Count(all, "trial") + " not run";
  }
  return {.state = CellState::kUnknown, .reason = std::move(reason)};
}

}  // namespace trireme
