#include "harness/check/hub_spin_checker.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/loop_events.h"
#include "harness/check/stacks.h"
#include "harness/check/sync_events.h"

namespace trireme {
namespace {

constexpr int64_t kDefaultFor = 500'000'000;
constexpr int64_t kIntervals = 5;    // USAGE events in `for`
constexpr double kShare = 0.9;       // of the processor time that it could have had, over `for`
constexpr double kShareOfOne = 0.7;  // in one interval: the kernel's figures are coarse
constexpr double kSecondsATurn = 200e-6;  // at most
constexpr double kTick = 10e-3;           // the kernel tells a time of processor so late
constexpr double kLeastProcessor = 0.1;   // of `for`
constexpr int64_t kGap = 10'000'000;      // nanoseconds between intervals of one thread, at most
constexpr double kFoundShare = 0.9;       // of the polls, where events stay that nobody takes

int64_t LengthOf(const Json& arguments) { return GetInt(arguments, "for"); }

// Waits that end by themselves, whether or not anything has happened.
bool IsForTime(std::string_view kind) {
  return kind == "checkpoint" || kind == "sleep" || kind == "settle";
}

bool IsOutcomeOfWork(const Event& event) {
  if (IsWork(event)) return true;
  switch (event.kind) {
    case EventKind::kOutcome:
    case EventKind::kTaskEnd:
    case EventKind::kJoin:
      return true;
    case EventKind::kHold:  // that is blocked-loop's
      return event.key != "watched";
    case EventKind::kWake:
      return !IsForTime(event.key);
    case EventKind::kSync:
      return event.key == "put" || event.key == "get" || event.key == "set" ||
             event.key == "notify" || event.key == "read" || event.key == "write";
    default:
      return false;
  }
}

// By process, ascending.
std::map<uint32_t, std::vector<int64_t>> TimesOfWork(const TrialView& view) {
  std::map<uint32_t, std::vector<int64_t>> times;
  for (const Event& event : view.history->events())
    if (IsOutcomeOfWork(event)) times[event.process].push_back(event.time);
  return times;
}

// The intervals of one loop in their order: whether its thread was awake all the time of each. That is known of one in
// which it did not go to sleep, and ran, or was awake already. How long an awake thread waited for a processor the kernel
// says only when it has got one, which on a busy machine is some intervals later.
class Awake {
 public:
  // The intervals so far are another thread's.
  void Forget() { awake_ = false; }
  bool Throughout(const LoopUsage& usage) {
    const bool before = awake_;
    awake_ = usage.slept == 0 && (before || usage.cpu > 0);
    return before && awake_;
  }

 private:
  bool awake_ = false;
};

// The time of a processor that the loop could have had.
double Possible(const LoopUsage& usage, bool awake) {
  return awake ? usage.cpu : std::max(usage.wall - usage.delay, 1e-6);
}

double TurnsOf(const LoopUsage& usage) {
  return static_cast<double>(std::max(usage.polls, usage.steps));
}

bool NothingCameOf(const LoopUsage& usage, const std::vector<int64_t>& work) {
  const auto next = std::lower_bound(work.begin(), work.end(), usage.begin);
  return usage.moved == 0 && (next == work.end() || *next > usage.end);
}

bool Spins(const LoopUsage& usage, bool awake) {
  // It may have had no processor, or for a moment only.
  if (awake) return usage.cpu <= kSecondsATurn * TurnsOf(usage) + kTick;
  return usage.cpu > 0 && usage.cpu >= kShareOfOne * Possible(usage, awake) &&
         usage.cpu <= kSecondsATurn * TurnsOf(usage);
}

// Intervals of one loop that follow each other, in each of which it spun.
struct Spin {
  LoopUsage sum;
  double possible = 0, turns = 0;
  int64_t length() const { return sum.end - sum.begin; }
  bool IsOne(int64_t least) const {
    return length() >= least && sum.cpu >= kShare * possible &&
           sum.cpu >= kLeastProcessor * static_cast<double>(least) / 1e9 &&
           sum.cpu <= kSecondsATurn * turns;
  }
  void Add(const LoopUsage& usage, bool awake) {
    possible += Possible(usage, awake);
    turns += TurnsOf(usage);
    if (sum.end == 0) {
      sum = usage;
      return;
    }
    sum.end = usage.end;
    sum.wall += usage.wall;
    sum.delay += usage.delay;
    sum.cpu += usage.cpu;
    sum.polls += usage.polls;
    sum.found += usage.found;
    sum.steps += usage.steps;
  }
};

// The longest of each loop.
std::map<LoopId, Spin> LongestSpins(const TrialView& view) {
  const auto work = TimesOfWork(view);
  std::map<LoopId, Spin> now, longest;
  std::map<LoopId, Awake> awake;
  std::map<LoopId, int64_t> seen;  // the end of its last interval
  for (const LoopUsage& usage : LoopUsageOf(view)) {
    const auto of_process = work.find(usage.loop.first);
    // A thread that begins when another has ended may get its number.
    const auto [last, is_first] = seen.try_emplace(usage.loop, usage.end);
    if (!is_first && usage.begin > std::exchange(last->second, usage.end) + kGap) {
      now.erase(usage.loop);
      awake[usage.loop].Forget();
    }
    const bool was_awake = awake[usage.loop].Throughout(usage);
    if (!Spins(usage, was_awake) ||
        !NothingCameOf(usage,
                       of_process == work.end() ? std::vector<int64_t>() : of_process->second)) {
      now.erase(usage.loop);
      continue;
    }
    Spin& spin = now[usage.loop];
    spin.Add(usage, was_awake);
    Spin& best = longest[usage.loop];
    if (spin.length() > best.length()) best = spin;
  }
  return longest;
}

// Of the task that the loop came from while it spun, the first that says where it was: it was asked nothing before that
// lasted, and little after.
Participant WhoSpins(const TrialView& view, const LoopUsage& sum) {
  Participant found{.task = "loop", .thread = sum.loop.second, .stack = {}};
  for (const LoopTask& told : LoopTasksOf(view)) {
    if (told.loop != sum.loop || told.time < sum.begin || told.time > sum.end) continue;
    if (told.stack.empty() || !found.stack.empty()) continue;
    found.task = told.name.empty() ? view.TaskName(told.task) : told.name;
    found.stack = told.stack;
  }
  return found;
}

// "descriptor 7, the stream 127.0.0.1:1 - 127.0.0.1:2"
std::string DescriptorName(const Json& descriptor) {
  std::string name = "descriptor " + std::to_string(GetInt(descriptor, "fd"));
  const std::string kind = GetString(descriptor, "kind");
  const std::string local = GetString(descriptor, "local"), peer = GetString(descriptor, "peer");
  if (!kind.empty()) name += ", the " + kind;
  if (!local.empty()) name += " " + local;
  if (!peer.empty()) name += " - " + peer;
  return name;
}

// What was ready each time that the loop was asked while it spun: what came and went was taken.
std::vector<Json> AlwaysReady(const TrialView& view, const LoopUsage& sum) {
  std::vector<Json> always;
  bool first = true;
  for (const LoopReady& ready : LoopReadyOf(view)) {
    if (ready.loop != sum.loop || ready.time < sum.begin || ready.time > sum.end) continue;
    if (std::exchange(first, false)) {
      always = ready.descriptors;
      continue;
    }
    std::erase_if(always, [&](const Json& one) {
      return std::none_of(
          ready.descriptors.begin(), ready.descriptors.end(), [&](const Json& other) {
            // There may have been no room for its addresses.
            return GetInt(one, "fd") == GetInt(other, "fd") &&
                   GetString(one, "kind") == GetString(other, "kind");
          });
    });
  }
  return always;
}

// The first callback of those that says where it is defined; else `loop`: tasks of a loop run beside its callbacks.
Participant WhoIsCalled(const std::vector<Json>& ready, Participant loop) {
  for (const Json& descriptor : ready) {
    const std::string callback =
        GetString(descriptor, "reader", GetString(descriptor, "writer"));
    const std::string place = GetString(descriptor, "place");
    if (callback.empty() || place.empty()) continue;
    return {.task = callback, .thread = loop.thread, .stack = {place}};
  }
  return loop;
}

Finding FindingOf(const TrialView& view, const Spin& spin) {
  const LoopUsage& sum = spin.sum;
  const bool found = sum.polls > 0 &&
                     static_cast<double>(sum.found) >= kFoundShare * static_cast<double>(sum.polls);
  char seconds[64];
  (void)std::snprintf(seconds, sizeof seconds, "%.2f s, %.2f s of a processor", sum.wall, sum.cpu);
  std::string message =
      std::string("a loop spun for ") + seconds + ": of " + Count(sum.polls, "poll") + " " +
      std::to_string(sum.found) +
      (found ? " found events that nobody took"
             : " found events, and " + Count(sum.steps, "step") + " of tasks led to nothing");
  const std::vector<Json> ready = found ? AlwaysReady(view, sum) : std::vector<Json>();
  for (size_t i = 0; i < ready.size(); ++i)
    message += (i == 0 ? ", of " : " and of ") + DescriptorName(ready[i]);
  const Participant who = WhoIsCalled(ready, WhoSpins(view, sum));
  if (!who.stack.empty()) {
    const std::string own = InnermostOwnFrame(who.stack);
    message += ": " + who.task + ", " + (own.empty() ? who.stack.back() : own);
  }
  Finding finding =
      view.MakeFinding("hub-spin", "hub-spin", found ? "ready" : "due", std::move(message), {});
  finding.participants = {who};
  finding.advisory = !found && GetString(*view.cell, "id") == "watch";
  finding.evidence = {{"process", sum.loop.first},
                      {"thread", sum.loop.second},
                      {"wall", sum.wall},
                      {"delay", sum.delay},
                      {"cpu", sum.cpu},
                      {"polls", sum.polls},
                      {"found", sum.found},
                      {"steps", sum.steps}};
  if (!ready.empty()) finding.evidence["descriptors"] = ready;
  return finding;
}

}  // namespace

std::string_view HubSpinChecker::Summary() const {
  return "no loop goes round and round while nothing comes of it";
}

std::vector<CheckArgument> HubSpinChecker::Arguments() const {
  return {{.name = "for", .type = "duration", .required = false, .fallback = kDefaultFor}};
}

RecordingNeeds HubSpinChecker::Needs(const Json& arguments) const {
  return {.hold_threshold = 0,
          .usage_interval = std::max<int64_t>(LengthOf(arguments) / kIntervals, 1)};
}

CheckResult HubSpinChecker::Check(const TrialView& view, const Json& arguments) const {
  const int64_t length = LengthOf(arguments);
  if (length <= 0) return Unknown("argument for is no duration");
  CheckResult result;
  for (const auto& [loop, spin] : LongestSpins(view)) {
    if (!spin.IsOne(length)) continue;
    // What came of it may be what is missing.
    if (const std::string why = WhyNotWhole(view); !why.empty()) return Unknown(why);
    Finding finding = FindingOf(view, spin);
    if (!finding.advisory && result.verdict != Verdict::kFail) {
      result.verdict = Verdict::kFail;
      result.reason = finding.message;
    }
    result.findings.push_back(std::move(finding));
  }
  if (!result.findings.empty()) return result;
  const int64_t interval = view.history->usage_interval();
  if (interval == 0 || interval > std::max<int64_t>(length / kIntervals, 1))
    return Unknown(
        "the recording did not say often enough what its loops use: run it again with "
        "this check");
  if (const std::string why = Unwatched(view); !why.empty()) return Unknown(why);
  if (LoopsOf(view).empty()) return JudgeWithoutLoop(view);
  return result;
}

}  // namespace trireme
