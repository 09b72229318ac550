#include "harness/check/leak_checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/ended_by_fault.h"

namespace trireme {
namespace {

constexpr size_t kNamed = 4;                    // in the message
constexpr size_t kShown = 20;                   // as participants and evidence; a workload may leave thousands
constexpr std::string_view kUnseen = "unseen";  // the key of what the census could not look at

struct Leaked {
  std::string name;
  int64_t pid = 0;
  Json entry;
};

std::vector<std::string> AllowedNames(const Json& arguments) {
  std::vector<std::string> globs;
  const Json& allow = GetMember(arguments, "allow");
  if (allow.is_string()) globs.push_back(allow.get<std::string>());
  if (!allow.is_array()) return globs;
  for (const Json& glob : allow) {
    if (glob.is_string()) globs.push_back(glob.get<std::string>());
  }
  return globs;
}

std::string NameOf(const Json& entry) {
  if (entry.is_string()) return entry.get<std::string>();
  for (const char* key : {"name", "command", "path"}) {
    if (std::string name = GetString(entry, key); !name.empty()) return name;
  }
  return "unnamed";
}

using LeaksByKind = std::map<std::string, std::vector<Leaked>>;

void Add(LeaksByKind& leaks, const std::string& kind, const Json& entries,
         const std::vector<std::string>& allowed) {
  if (!entries.is_array()) return;
  for (const Json& entry : entries) {
    Leaked leaked{.name = NameOf(entry), .pid = GetInt(entry, "pid"), .entry = entry};
    const auto matches = [&](const std::string& glob) { return GlobMatches(glob, leaked.name); };
    if (std::any_of(allowed.begin(), allowed.end(), matches)) continue;
    std::vector<Leaked>& of_kind = leaks[kind];
    // The census of the workload and the runner's list of orphans may name the same process.
    const auto same = [&](const Leaked& other) {
      return leaked.pid != 0 && other.pid == leaked.pid;
    };
    if (std::none_of(of_kind.begin(), of_kind.end(), same)) of_kind.push_back(std::move(leaked));
  }
}

LeaksByKind FindLeaks(const TrialView& view, const std::vector<std::string>& allowed) {
  LeaksByKind leaks;
  for (const Event& event : view.history->events()) {
    if (event.kind == EventKind::kCensus && event.key != kUnseen)
      Add(leaks, std::string(event.key), event.Value(), allowed);
  }
  Add(leaks, "processes", view.exit.orphans, allowed);
  return leaks;
}

// "descriptors, threads: Too many open files" for each reason; "" when everything was looked at.
std::string WhatWasUnseen(const History& history) {
  std::map<std::string, std::set<std::string>> kinds_by_reason;
  for (const Event& event : history.events()) {
    if (event.kind != EventKind::kCensus) continue;
    const Json entries = event.Value();
    if (!entries.is_array()) kinds_by_reason["no list was recorded"].emplace(event.key);
    if (!entries.is_array() || event.key != kUnseen) continue;
    for (const Json& entry : entries)
      kinds_by_reason[GetString(entry, "reason", "no reason given")].insert(NameOf(entry));
  }
  std::vector<std::string> parts;
  for (const auto& [reason, kinds] : kinds_by_reason)
    parts.push_back(Join(std::vector(kinds.begin(), kinds.end()), ", ") + ": " + reason);
  return Join(parts, "; ");
}

std::string WithoutNumbers(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c < '0' || c > '9') out += c;
  }
  return out;
}

// "tasks" -> "task", "processes" -> "process"
std::string Singular(const std::string& kind) {
  if (kind.ends_with("sses")) return kind.substr(0, kind.size() - 2);
  return kind.ends_with('s') ? kind.substr(0, kind.size() - 1) : kind;
}

Participant ParticipantOf(const Leaked& leaked) {
  Participant participant{.task = leaked.name, .thread = 0, .stack = {}};
  if (const Json& stack = GetMember(leaked.entry, "stack"); stack.is_array()) {
    for (const Json& frame : stack) {
      if (frame.is_string()) participant.stack.push_back(frame.get<std::string>());
    }
  }
  return participant;
}

// "socket made at workload.py:3 in main", where the census knows where.
std::string Described(const Leaked& leaked, const Participant& participant) {
  const std::string frame = InnermostOwnFrame(participant.stack);
  return frame.empty() ? leaked.name : leaked.name + " made at " + frame;
}

Finding LeakFinding(const TrialView& view, const std::string& kind,
                    const std::vector<Leaked>& leaked) {
  std::set<std::string> kinds_of_names;
  std::vector<std::string> names;
  std::vector<Participant> participants;
  Json entries = Json::array();
  for (const Leaked& one : leaked) {
    kinds_of_names.insert(WithoutNumbers(one.name));
    participants.push_back(ParticipantOf(one));
    if (entries.size() == kShown) continue;
    if (names.size() < kNamed) names.push_back(Described(one, participants.back()));
    entries.push_back(one.entry);
  }
  std::string subject = kind;
  for (const std::string& name : kinds_of_names) subject += "\n" + name;
  const size_t more = leaked.size() - names.size();
  const std::string count =
      leaked.size() == 1 ? "1 " + Singular(kind) : std::to_string(leaked.size()) + " " + kind;
  std::string message = count + " outlived the workload: " + Join(names, ", ") +
                        (more > 0 ? " and " + std::to_string(more) + " more" : "");
  Finding finding =
      view.MakeFinding("leak", "leak", subject, std::move(message), std::move(participants));
  finding.evidence = {{"what", kind}, {"entries", std::move(entries)}};
  // Only now: the signature is of all of them, in whatever order they come.
  finding.participants.resize(std::min(finding.participants.size(), kShown));
  if (leaked.size() > kShown) finding.evidence["more"] = leaked.size() - kShown;
  return finding;
}

}  // namespace

std::string_view LeakChecker::Summary() const {
  return "no task, timer, thread, descriptor or process outlives the workload by more than the "
         "grace";
}

std::vector<CheckArgument> LeakChecker::Arguments() const {
  return {{.name = "allow", .type = "texts", .required = false, .fallback = Json::array()}};
}

CheckResult LeakChecker::Check(const TrialView& view, const Json& arguments) const {
  CheckResult result;
  for (const auto& [kind, leaked] : FindLeaks(view, AllowedNames(arguments))) {
    Finding finding = LeakFinding(view, kind, leaked);
    if (result.findings.empty()) result.reason = finding.message;
    result.verdict = Verdict::kFail;
    result.findings.push_back(std::move(finding));
  }
  if (view.end == nullptr && EndedByFault(view)) return NotExercised(kEndedByFault);
  if (view.end == nullptr) return Unknown("main did not end, so what was there then says nothing");
  const std::string unseen = WhatWasUnseen(*view.history);
  if (result.findings.empty() && !unseen.empty())
    return Unknown("the census could not look at " + unseen);
  return result;
}

}  // namespace trireme
