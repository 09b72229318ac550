#include "harness/check/cell_faults.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/sha256.h"
#include "harness/base/strings.h"
#include "harness/check/applied_faults.h"
#include "harness/check/wire_fields.h"

namespace trireme {
namespace {

std::string_view LogStateName(FaultLogState state) {
  switch (state) {
    case FaultLogState::kEqual:
      return "equal";
    case FaultLogState::kNotReached:
      return "not reached";
    case FaultLogState::kDiverged:
      return "diverged";
    case FaultLogState::kDifferent:
      return "different";
  }
  return "different";
}

Json MillisecondsJson(const Quantiles& seconds) {
  if (seconds.count() == 0) return nullptr;
  const auto milliseconds = [](double value) { return std::round(value * 1e6) / 1e3; };
  return {{"n", seconds.count()},
          {"p50", milliseconds(seconds.At(0.5))},
          {"max", milliseconds(seconds.max())}};
}

double InSeconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// More than a report can show, or a machine hold.
void DropBytes(Streams& streams, size_t most) {
  size_t total = 0;
  for (const auto& [key, stream] : streams) total += stream.bytes.size();
  if (total <= most) return;
  for (auto& [key, stream] : streams) {
    stream.moved = std::max(stream.moved, static_cast<int64_t>(stream.bytes.size()));
    stream.recorded = false;
    stream.bytes.clear();
  }
}

// Of a plan that does nothing but sweep.
std::vector<std::string> ConnectionsOfPoints(const Json& cell) {
  const std::vector<Json> faults = PlannedFaults(cell);
  const bool sweeps = std::all_of(faults.begin(), faults.end(), [](const Json& fault) {
    return IsSweep(fault) || GetMember(GetMember(fault, "task"), "sweep").is_string();
  });
  const Json& sweep = GetMember(cell, "sweep");
  std::vector<std::string> connections;
  if (!sweeps || !sweep.is_array()) return connections;
  for (const Json& point : sweep) connections.push_back(GetString(point, "connection"));
  return connections;
}

Finding LogFinding(const FaultLog& here, const FaultLog& there, const std::string& where) {
  constexpr size_t kLongest = 4000;
  const auto text = [](const FaultLog& log) { return ToValidUtf8(log.Text().substr(0, kLongest)); };
  Finding finding;
  finding.check = "equivalence";
  finding.kind = "difference";
  finding.message = "the same bytes had other faults";
  finding.evidence = {
      {"key", "(fault log)"}, {"where", where}, {"here", text(here)}, {"there", text(there)}};
  return finding;
}

}  // namespace

CellFaults::CellFaults(const Json& cell)
    : planned_(HasFaultPlan(cell)),
      keeps_logs_(planned_ || WireRuleOf(cell) != WireRule::kNone),
      points_(ConnectionsOfPoints(cell)),
      datagrams_(PlannedFaults(cell)) {}

void CellFaults::AddTrial(int64_t trial, const TrialView& view, Verdict verdict,
                          const std::string& reason, const std::vector<Finding>& findings,
                          bool not_exercised) {
  if (!keeps_logs_) return;
  FaultLog log = MakeFaultLog(view);
  if (!planned_) return KeepLog(trial, std::move(log));
  const TrialEffect effect = EffectOnTrial(view, verdict, reason, findings, not_exercised);
  effects_[trial] = effect.effect;
  reasons_.try_emplace(effect.effect, effect.reason);
  datagrams_.Note(log.streams);
  Counts counts;
  counts.applied = log.applied;
  for (const std::string& name : log.not_reached) ++counts.not_reached[name];
  undecided_.erase(trial);
  // An unknown trial is repeated, and what it measured is measured again.
  if (verdict == Verdict::kUnknown) {
    undecided_[trial] = std::move(counts);
    return;
  }
  counts_.Add(counts);
  for (const int64_t notice : effect.notices) notices_.Add(InSeconds(notice));
  if (effect.recovery >= 0) recoveries_.Add(InSeconds(effect.recovery));
  if (effect.cpu_seconds >= 0) cpu_.Add(effect.cpu_seconds);
  failed_ += effect.failed;
  duplicates_ += effect.duplicates;
  hashes_[trial] = log.Sha256();
  KeepReused(trial, log);
  KeepLog(trial, std::move(log));
}

void CellFaults::Counts::Add(const Counts& other) {
  for (const auto& [name, count] : other.applied) applied[name] += count;
  for (const auto& [name, count] : other.not_reached) not_reached[name] += count;
}

CellFaults::Counts CellFaults::AllCounts() const {
  Counts all = counts_;
  for (const auto& [trial, counts] : undecided_) all.Add(counts);
  return all;
}

void CellFaults::KeepReused(int64_t trial, const FaultLog& log) {
  if (log.reused.empty() || (reused_in_ && *reused_in_ <= trial)) return;
  reused_in_ = trial;
  reused_ = log.reused;
}

// Every cell keeps the trials of the lowest numbers, so that they have their counterparts.
void CellFaults::KeepLog(int64_t trial, FaultLog log) {
  DropBytes(log.streams, kKeptBytes);
  logs_[trial] = std::move(log);
  if (logs_.size() <= kKeptLogs) return;
  const auto last = std::prev(logs_.end());
  KeepPointLog(last->first, std::move(last->second));
  logs_.erase(last);
}

// Nothing of it where bytes were recorded: they would be too many, and without them it would be unknown where two differ.
void CellFaults::KeepPointLog(int64_t trial, FaultLog log) {
  if (trial < 1 || trial > static_cast<int64_t>(points_.size())) return;
  const std::string& struck = points_[static_cast<size_t>(trial - 1)];
  std::erase_if(log.streams, [&](const auto& stream) { return stream.first.connection != struck; });
  const bool recorded = std::any_of(log.streams.begin(), log.streams.end(),
                                    [](const auto& stream) { return stream.second.recorded; });
  if (!recorded) point_logs_[trial] = std::move(log);
}

const FaultLog* CellFaults::FindLog(int64_t trial) const {
  for (const auto* logs : {&logs_, &point_logs_})
    if (const auto found = logs->find(trial); found != logs->end()) return &found->second;
  return nullptr;
}

std::map<int64_t, Streams> CellFaults::KeptStreams() const {
  std::map<int64_t, Streams> streams;
  for (const auto& [trial, log] : logs_) streams.emplace(trial, log.streams);
  return streams;
}

std::optional<Difference> CellFaults::CompareLogs(const CellFaults& reference,
                                                  const std::string& reference_name,
                                                  const std::string& scenario) {
  std::optional<Difference> difference;
  if (!planned_) return difference;
  const std::string nothing = FaultLog{}.Sha256();
  Compared compared;
  for (const auto& [trial, hash] : hashes_) {
    const auto there = reference.hashes_.find(trial);
    if (there == reference.hashes_.end()) continue;
    if (hash == nothing && there->second == nothing) {
      ++compared.nothing;
      continue;
    }
    ++compared.trials;
    const FaultLog* here_log = FindLog(trial);
    const FaultLog* there_log = reference.FindLog(trial);
    FaultLogComparison one;
    if (hash != there->second) {
      if (here_log == nullptr || there_log == nullptr) {
        ++compared.undecided;
        continue;
      }
      one = CompareFaultLogs(*here_log, *there_log);
    }
    ++compared.by_state[static_cast<size_t>(one.state)];
    if (one.state > compared.worst.state) compared.worst = one;
    if (one.state != FaultLogState::kDifferent) continue;
    if (!difference) {
      difference.emplace();
      difference->first_trial = trial;
      difference->finding = LogFinding(*here_log, *there_log, one.where);
      difference->finding.evidence["reference"] = reference_name;
      difference->finding.message += " than on " + reference_name + ": " + one.where;
      difference->finding.signature = Signature("difference", scenario + "\nfault log", {});
    }
    ++difference->count;
    difference->trials.Add(trial);
  }
  compared_ = compared;
  return difference;
}

Json CellFaults::ReusedJson() const {
  constexpr size_t kMost = 20;
  if (!reused_in_) return nullptr;
  Json connections = Json::array();
  for (const ReusedConnection& reused : reused_)
    if (connections.size() < kMost) connections.push_back(reused.ToJson());
  return {{"trial", *reused_in_}, {"count", reused_.size()}, {"connections", connections}};
}

Json CellFaults::LogJson() const {
  Json json = {{"trial", nullptr}, {"sha256", nullptr}, {"sha256_of_all", nullptr}};
  std::string all;
  for (const auto& [trial, hash] : hashes_) all += std::to_string(trial) + ' ' + hash + '\n';
  if (!hashes_.empty()) {
    json["trial"] = hashes_.begin()->first;
    json["sha256"] = hashes_.begin()->second;
    json["sha256_of_all"] = Sha256(all);
  }
  json["not_reached_faults"] = AllCounts().not_reached;
  json["reused_connections"] = ReusedJson();
  json["state"] = nullptr;
  if (!compared_ || compared_->trials + compared_->nothing == 0) return json;
  const auto count = [&](FaultLogState state) {
    return compared_->by_state[static_cast<size_t>(state)];
  };
  json["state"] = compared_->undecided < compared_->trials  // none where there was nothing
                      ? Json(LogStateName(compared_->worst.state))
                      : Json();
  json["where"] = compared_->worst.where;
  json["trials"] = {{"compared", compared_->trials},
                    {"equal", count(FaultLogState::kEqual)},
                    {"not_reached", count(FaultLogState::kNotReached)},
                    {"diverged", count(FaultLogState::kDiverged)},
                    {"different", count(FaultLogState::kDifferent)},
                    {"undecided", compared_->undecided},
                    {"nothing", compared_->nothing}};
  return json;
}

// Whether that is certain: each trial of the plan is there, and in none of them was anything applied.
bool CellFaults::NeverReached(const CellResult& cell) const {
  return static_cast<int64_t>(effects_.size()) >= cell.trials.planned &&
         std::all_of(effects_.begin(), effects_.end(), [](const auto& trial) {
           return trial.second == FaultEffect::kNotReached;
         });
}

// The heaviest of what its trials and the comparison with the reference say.
std::pair<FaultEffect, std::string> CellFaults::EffectOnCell(const CellResult& cell) const {
  FaultEffect effect = FaultEffect::kNotReached;
  for (const auto& [trial, one] : effects_) effect = std::max(effect, one);
  const auto reason_of = reasons_.find(effect);
  std::string reason = reason_of == reasons_.end() ? "" : reason_of->second;
  if (effects_.empty()) return {FaultEffect::kUnknown, cell.reason};
  if (cell.state == CellState::kUnknown && effect < FaultEffect::kUnknown && !NeverReached(cell))
    effect = FaultEffect::kUnknown, reason = cell.reason;
  // Where none was applied, that it is not as in the reference is no effect of a fault here.
  if (effect == FaultEffect::kNotReached) {
    const std::string why = datagrams_.WhyNone();
    return {effect, "no fault of the plan was applied" + (why.empty() ? "" : ": " + why)};
  }
  for (const CellFinding& found : cell.findings) {
    const FaultEffect one = EffectOf(found.finding);
    if (one > effect && one > FaultEffect::kUnknown) effect = one, reason = found.finding.message;
  }
  return {effect, reason};
}

Json CellFaults::EffectJson(const CellResult& cell) const {
  const auto [effect, reason] = EffectOnCell(cell);
  std::string summary(FaultEffectName(effect));
  if (effect == FaultEffect::kRecovered && recoveries_.count() > 0)
    summary += " in " + FormatDuration(std::llround(recoveries_.At(0.5) * 1e9));
  Json trials = Json::object();
  for (int i = 0; i < kFaultEffects; ++i) {
    const auto one = static_cast<FaultEffect>(i);
    const auto count = std::count_if(effects_.begin(), effects_.end(),
                                     [&](const auto& trial) { return trial.second == one; });
    if (count > 0) trials[std::string(FaultEffectName(one))] = count;
  }
  return {{"class", FaultEffectName(effect)},
          {"summary", summary},
          {"reason", reason},
          {"trials", trials},
          {"notice_ms", MillisecondsJson(notices_)},
          {"recovery_ms", MillisecondsJson(recoveries_)},
          {"cpu_ms", MillisecondsJson(cpu_)},
          {"failed_operations", failed_},
          {"duplicates", duplicates_}};
}

void CellFaults::Describe(CellResult& cell) const {
  if (!planned_) return;
  cell.faults_applied = AllCounts().applied;
  cell.fault_log = LogJson();
  if (cell.state != CellState::kUnsupported) cell.under_faults = EffectJson(cell);
}

}  // namespace trireme
