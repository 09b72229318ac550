#include "harness/check/unbounded_growth_checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/levels.h"
#include "harness/check/sync_events.h"

namespace trireme {
namespace {

constexpr double kQueue = 1000;  // items
constexpr double kThreads = 200;
constexpr double kMemory = 256.0 * 1024 * 1024;  // bytes
constexpr int64_t kUsageInterval = 50'000'000;   // nanoseconds
constexpr size_t kFewestLooks = 10;
constexpr size_t kGrowing = 16;  // findings of one trial

struct GrowingQueue {
  ObjectFacts facts;
  uint64_t number = 0;
  std::vector<Level> items;
  std::map<uint32_t, int64_t> putters;  // how often
};

bool UsedAQueue(const TrialView& view, int64_t until) {
  const std::vector<Event>& events = view.history->events();
  return std::any_of(events.begin(), events.end(), [until](const Event& event) {
    return event.kind == EventKind::kSync && event.time <= until &&
           ActionOf(event) == SyncAction::kPut;
  });
}

// Those without limit, with their lengths up to `until`.
std::vector<GrowingQueue> UnlimitedQueues(const TrialView& view, int64_t until) {
  std::vector<GrowingQueue> queues;
  std::map<std::pair<uint32_t, uint64_t>, size_t> index;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kSync || event.time > until) continue;
    const SyncAction action = ActionOf(event);
    const std::pair<uint32_t, uint64_t> key = {event.process, event.id};
    if (action == SyncAction::kNew) {
      ObjectFacts facts = FactsOf(event);
      if (facts.kind != "queue" || facts.size != 0 || !index.try_emplace(key, queues.size()).second)
        continue;
      queues.push_back({.facts = std::move(facts), .number = event.id, .items = {}, .putters = {}});
    }
    const auto found = index.find(key);
    if (found == index.end() || (action != SyncAction::kPut && action != SyncAction::kGet))
      continue;
    GrowingQueue& queue = queues[found->second];
    const double last = queue.items.empty() ? 0 : queue.items.back().value;
    const double counted = action == SyncAction::kPut ? last + 1 : std::max(0.0, last - 1);
    const std::optional<int64_t> said = ItemsAfter(event);
    queue.items.push_back({event.time, said ? static_cast<double>(*said) : counted});
    if (action == SyncAction::kPut) ++queue.putters[event.task];
  }
  return queues;
}

bool IsOfWorkload(const Event& event) {
  if (IsWork(event)) return true;
  switch (event.kind) {
    case EventKind::kOutcome:
    case EventKind::kMetric:
    case EventKind::kSwitch:
    case EventKind::kWait:
    case EventKind::kWake:
    case EventKind::kJoin:
    case EventKind::kCancel:
    case EventKind::kSync:
    case EventKind::kDeadline:
      return true;
    default:
      return false;
  }
}

// When the workload last did something, if that was in the last tenth of its time, else `until`: what it gives back as it
// returns, all that its variables hold, was no less while it ran.
int64_t EndOfUse(const TrialView& view, int64_t until) {
  int64_t last = 0;
  for (const Event& event : view.history->events())
    if (event.time <= until && IsOfWorkload(event)) last = std::max(last, event.time);
  const int64_t begin = view.begin != nullptr ? view.begin->time : 0;
  return last > until - (until - begin) / 10 ? last : until;
}

// What a process took, from USAGE.
struct Usage {
  std::vector<Level> threads, memory;
};

std::map<uint32_t, Usage> UsageOf(const TrialView& view, int64_t until) {
  std::map<uint32_t, Usage> processes;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kUsage || event.key != "process" || event.time > until) continue;
    const Json value = event.Value();
    if (!GetMember(value, "rss").is_number() || !GetMember(value, "threads").is_number()) continue;
    Usage& usage = processes[event.process];
    usage.threads.push_back({event.time, GetDouble(value, "threads")});
    usage.memory.push_back({event.time, GetDouble(value, "rss")});
  }
  std::erase_if(processes,
                [](const auto& process) { return process.second.threads.size() < kFewestLooks; });
  return processes;
}

double Most(const std::vector<Level>& levels) {
  double most = 0;
  for (const Level& level : levels) most = std::max(most, level.value);
  return most;
}

std::string Whole(double value) {
  return std::to_string(static_cast<int64_t>(std::min(value, 9e18)));
}

Finding GrowthFinding(const TrialView& view, const std::string& subject, std::string message,
                      std::vector<Participant> participants, const std::vector<Level>& levels,
                      int64_t until, double limit) {
  Finding finding = view.MakeFinding("unbounded-growth", "unbounded-growth", subject,
                                     std::move(message), std::move(participants));
  finding.signature = Signature("unbounded-growth", view.scenario() + '\n' + subject, {});
  finding.evidence = {{"limit", limit},
                      {"first", levels.front().value},
                      {"most", Most(levels)},
                      {"at_ends_of_tenths", LevelsAtEnds(levels, until, 10)}};
  return finding;
}

Finding QueueFinding(const TrialView& view, const GrowingQueue& queue, int64_t until,
                     double limit) {
  std::set<std::string> names;
  for (const auto& [task, count] : queue.putters) names.insert(WithoutNumbers(view.TaskName(task)));
  std::string subject = "queue\n";
  for (const std::string& name : names) subject += name + "\n";
  const auto most =
      std::max_element(queue.putters.begin(), queue.putters.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<Participant> participants;
  std::string by;
  if (most != queue.putters.end()) {
    participants.push_back(view.ParticipantOf(most->first));
    by = ", most of them put by " + view.TaskName(most->first);
  }
  return GrowthFinding(view, subject,
                       "the " + ObjectText(queue.facts) + ", which has no limit, grew to " +
                           Whole(Most(queue.items)) + " items, allowed are " + Whole(limit) + by,
                       std::move(participants), queue.items, until, limit);
}

struct Limits {
  double queue = kQueue, threads = kThreads, memory = kMemory;
  bool asks_for_usage = false;
};

Limits LimitsOf(const Json& arguments) {
  return {.queue = GetDouble(arguments, "queue", kQueue),
          .threads = GetDouble(arguments, "threads", kThreads),
          .memory = GetDouble(arguments, "memory", kMemory),
          .asks_for_usage = GetMember(arguments, "threads").is_number() ||
                            GetMember(arguments, "memory").is_number()};
}

void AddThreadsFinding(const TrialView& view, const Usage& usage, int64_t until,
                       const Limits& limits, std::vector<Finding>& findings) {
  if (GrowsBeyond(usage.threads, until, limits.threads))
    findings.push_back(GrowthFinding(view, "threads",
                                     "the process came to " + Whole(Most(usage.threads)) +
                                         " threads, and their number rose "
                                         "throughout; allowed are " +
                                         Whole(limits.threads),
                                     {}, usage.threads, until, limits.threads));
}

void AddMemoryFinding(const TrialView& view, const Usage& usage, int64_t until,
                      const Limits& limits, std::vector<Finding>& findings) {
  const double first = usage.memory.front().value;
  if (GrowsBeyond(usage.memory, until, first + limits.memory))
    findings.push_back(GrowthFinding(view, "memory",
                                     "the process's memory rose throughout, by " +
                                         Whole(Most(usage.memory) - first) +
                                         " bytes; allowed are " + Whole(limits.memory),
                                     {}, usage.memory, until, limits.memory));
}

CheckResult ResultOf(std::vector<Finding> findings) {
  CheckResult result;
  std::set<std::string> signatures;
  for (Finding& finding : findings) {
    if (result.findings.size() == kGrowing || !signatures.insert(finding.signature).second)
      continue;
    if (result.findings.empty()) result.reason = finding.message;
    result.verdict = Verdict::kFail;
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace

std::string_view UnboundedGrowthChecker::Summary() const {
  return "no queue without limit, number of threads (200) or memory (256 MiB more) grows "
         "throughout "
         "the trial";
}

std::vector<CheckArgument> UnboundedGrowthChecker::Arguments() const {
  // Those of USAGE have no default here, so that it shows who asked for them.
  return {{.name = "queue",
           .type = "number",
           .required = false,
           .fallback = static_cast<int64_t>(kQueue)},
          {.name = "threads", .type = "number", .required = false, .fallback = nullptr},
          {.name = "memory", .type = "number", .required = false, .fallback = nullptr}};
}

RecordingNeeds UnboundedGrowthChecker::Needs(const Json& /*arguments*/) const {
  return {.hold_threshold = 0, .usage_interval = kUsageInterval};
}

CheckResult UnboundedGrowthChecker::Check(const TrialView& view, const Json& arguments) const {
  const Limits limits = LimitsOf(arguments);
  if (!(limits.queue >= 0 && limits.threads >= 0 && limits.memory >= 0))
    return Unknown("an argument of the check is no number from 0");
  const int64_t until = EndOfWaits(view);
  const std::vector<GrowingQueue> queues = UnlimitedQueues(view, until);
  const std::map<uint32_t, Usage> processes = UsageOf(view, until);
  std::vector<Finding> findings;
  // A queue may have been emptied where that is missing; what the process takes, each look says by itself.
  const std::string not_whole = WhyNotWhole(view);
  for (const GrowingQueue& queue : queues)
    if (not_whole.empty() && GrowsBeyond(queue.items, until, limits.queue))
      findings.push_back(QueueFinding(view, queue, until, limits.queue));
  const int64_t end_of_use = EndOfUse(view, until);
  for (const auto& [process, usage] : processes) {
    AddThreadsFinding(view, usage, until, limits, findings);
    AddMemoryFinding(view, usage, end_of_use, limits, findings);
  }
  if (!findings.empty()) return ResultOf(std::move(findings));
  if (!not_whole.empty()) return Unknown(not_whole);
  if (processes.empty() && limits.asks_for_usage)
    return Unknown("what the process took was not recorded ten times");
  if (processes.empty() && !UsedAQueue(view, until))
    return NotExercised("no queue was used, and no usage was recorded");
  return {};
}

}  // namespace trireme
