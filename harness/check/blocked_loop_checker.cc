#include "harness/check/blocked_loop_checker.h"

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/loop_events.h"
#include "harness/check/stacks.h"

namespace trireme {
namespace {

constexpr int64_t kDefaultThreshold = 100'000'000;

int64_t ThresholdOf(const Json& arguments) { return GetInt(arguments, "threshold"); }

std::string Seconds(double seconds) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

std::string NameOf(const TrialView& view, const Hold& hold) {
  return hold.task == 0 ? "a callback" : view.TaskName(hold.task);
}

std::string MessageOf(const TrialView& view, const Hold& hold) {
  std::string frame = InnermostOwnFrame(hold.stack);
  // The object that a C++ workload is compiled to has a name that says nothing.
  if (const size_t in = frame.find(".so in "); in != std::string::npos) frame.erase(0, in + 7);
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  if (frame.starts_with(kUnnamed)) frame.erase(0, kUnnamed.size());
  return NameOf(view, hold) + " held the loop for " + Seconds(hold.wall) + ", " +
         Seconds(hold.wall - hold.delay) + " of its own" +
         (hold.ended ? "" : ", and had not ended") + ": " +
         (frame.empty() ? "its stack is not known (" + hold.source + ")" : frame);
}

Finding FindingOf(const TrialView& view, const Hold& worst, const std::string& place,
                  int64_t count) {
  Finding finding = view.MakeFinding(
      "blocked-loop", "blocked-loop", place, MessageOf(view, worst),
      {{.task = NameOf(view, worst), .thread = worst.loop.second, .stack = worst.stack}});
  // By the innermost frame alone: who calls what blocks differs between runtimes.
  finding.signature = Signature("blocked-loop", view.scenario() + '\n' + place, {});
  finding.evidence = {{"wall", worst.wall},          {"own", worst.wall - worst.delay},
                      {"source", worst.source},      {"ended", worst.ended},
                      {"process", worst.loop.first}, {"holds", count}};
  if (worst.ended) finding.evidence.update({{"delay", worst.delay}, {"cpu", worst.cpu}});
  return finding;
}

struct Place {
  const Hold* worst = nullptr;
  int64_t count = 0;
};

std::map<std::string, Place> PlacesOf(const std::vector<Hold>& holds, int64_t threshold) {
  std::map<std::string, Place> places;
  for (const Hold& hold : holds) {
    if (hold.own() <= threshold) continue;
    Place& place = places[PlaceOfFrame(InnermostOwnFrame(hold.stack))];
    if (place.worst == nullptr || hold.own() > place.worst->own()) place.worst = &hold;
    ++place.count;
  }
  return places;
}

}  // namespace

std::string_view BlockedLoopChecker::Summary() const {
  return "no task or callback keeps its loop from going on for longer than threshold";
}

std::vector<CheckArgument> BlockedLoopChecker::Arguments() const {
  return {
      {.name = "threshold", .type = "duration", .required = false, .fallback = kDefaultThreshold}};
}

RecordingNeeds BlockedLoopChecker::Needs(const Json& arguments) const {
  return {.hold_threshold = ThresholdOf(arguments), .usage_interval = 0};
}

CheckResult BlockedLoopChecker::Check(const TrialView& view, const Json& arguments) const {
  const int64_t threshold = ThresholdOf(arguments);
  if (threshold <= 0) return Unknown("argument threshold is no duration");
  const std::vector<Hold> holds = HoldsOf(view);
  CheckResult result;
  for (const auto& [place, found] : PlacesOf(holds, threshold)) {
    CheckResult failed = Failed(FindingOf(view, *found.worst, place, found.count));
    if (result.findings.empty()) result.reason = std::move(failed.reason);
    result.verdict = Verdict::kFail;
    result.findings.push_back(std::move(failed.findings.front()));
  }
  if (!result.findings.empty()) return result;
  const int64_t watched = view.history->hold_threshold();
  if (watched == 0 || watched > threshold)
    return Unknown("the recording did not watch its loops for holds of " +
                   FormatDuration(threshold) + ": run it again with this check");
  if (const std::string why = Unwatched(view); !why.empty()) return Unknown(why);
  if (LoopsOf(view).empty()) return JudgeWithoutLoop(view);
  return result;
}

}  // namespace trireme
