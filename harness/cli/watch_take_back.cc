#include "harness/cli/watch_take_back.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/cli/watched_processes.h"
#include "harness/engine/process_table.h"
#include "harness/engine/thread_group.h"
#include "harness/history/history.h"
#include "harness/history/recording_watch.h"

namespace trireme {
namespace {

constexpr std::pair<const char*, __rlimit_resource> kLimits[] = {
    {"nofile", RLIMIT_NOFILE}, {"memory", RLIMIT_AS}, {"stack", RLIMIT_STACK}};

bool Lasts(const Json& action) {
  return GetString(action, "signal").ends_with("STOP") || action.contains("threads") ||
         action.contains("cpu") ||
         std::any_of(std::begin(kLimits), std::end(kLimits),
                     [&](const auto& limit) { return action.contains(limit.first); });
}

// What it did that is not over: its own events, ready to be told as over.
std::vector<NewEvent> StillOn(const History& history) {
  std::vector<NewEvent> on;
  for (const Event& event : history.events()) {
    if (event.kind != EventKind::kFault) continue;
    Json value = event.Value();
    if (!GetMember(value, "do").is_object() || !Lasts(GetMember(value, "do"))) continue;
    if (!GetBool(value, "over")) {
      on.push_back({.kind = EventKind::kFault,
                    .key = std::string(event.key),
                    .value = std::move(value),
                    .id = event.id});
      continue;
    }
    const auto begun = std::find_if(on.begin(), on.end(), [&](const NewEvent& one) {
      return one.id == event.id && GetInt(one.value, "process") == GetInt(value, "process");
    });
    if (begun != on.end()) on.erase(begun);
  }
  return on;
}

std::set<pid_t> ProcessesOfProgram(const KilledInjector& killed) {
  std::set<pid_t> processes;
  for (const ProcessInfo& process : ReadTree(killed.program)) processes.insert(process.pid);
  for (const uint32_t process : ProcessesWithRecording(killed.recording))
    processes.insert(static_cast<pid_t>(process));
  return processes;
}

void LetGoOn(pid_t process) {
  const std::optional<ProcessInfo> now = ReadProcess(process);
  if (now && now->state == 'T') (void)::kill(process, SIGCONT);
}

// What a program has set itself meanwhile stays.
void GiveBack(pid_t process, __rlimit_resource resource, uint64_t limit) {
  rlimit now{}, ours{};
  if (::prlimit(process, resource, nullptr, &now) != 0 || now.rlim_cur != limit) return;
  if (::getrlimit(resource, &ours) != 0) return;
  now.rlim_cur = std::min(ours.rlim_cur, now.rlim_max);
  (void)::prlimit(process, resource, &now, nullptr);
}

void Undo(const Json& fault, const std::set<pid_t>& processes) {
  const Json& action = GetMember(fault, "do");
  const auto stopped = static_cast<pid_t>(GetInt(fault, "process"));
  // Its number may be another's by now.
  if (action.contains("signal") && processes.contains(stopped)) LetGoOn(stopped);
  for (const auto& [name, resource] : kLimits)
    if (action.contains(name))
      for (const pid_t process : processes)
        GiveBack(process, resource, static_cast<uint64_t>(GetInt(action, name)));
}

void LetAllPass(const KilledInjector& killed) {
  for (uint32_t number = 1; number <= killed.plan.faults.size(); ++number) {
    RecordingWatch watch(killed.recording);
    (void)watch.HasCome(number);  // finds where it waits, or would
    watch.LetPass();
  }
}

}  // namespace

std::vector<NewEvent> TakeBack(const KilledInjector& killed) {
  // First: who waits at a byte would wait for ever.
  LetAllPass(killed);
  LiftThreadLimits(killed.process);
  std::vector<NewEvent> events;
  if (const Result<History> history = History::Read(killed.recording); history.ok())
    events = StillOn(*history);
  if (events.empty()) return events;
  const std::set<pid_t> processes = ProcessesOfProgram(killed);
  for (NewEvent& event : events) {
    event.time = SystemClock().Now();
    Undo(event.value, processes);
    event.value["over"] = true;
  }
  return events;
}

}  // namespace trireme
