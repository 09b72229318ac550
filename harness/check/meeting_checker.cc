#include "harness/check/meeting_checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/socket_events.h"
#include "harness/check/unordered_reads.h"

namespace trireme {
namespace {

std::string NameOf(const TrialView& view, const Waiter& waiter) {
  if (!waiter.name.empty()) return waiter.name;
  if (waiter.task != 0) return view.TaskName(waiter.task);
  return "thread " + std::to_string(waiter.thread);
}

Participant ParticipantOf(const TrialView& view, const Waiter& waiter) {
  const bool unnamed = waiter.task == 0 && waiter.name.empty();
  return {
      .task = unnamed ? "" : NameOf(view, waiter), .thread = waiter.thread, .stack = waiter.stack};
}

std::vector<Participant> ParticipantsOf(const TrialView& view, const Meeting& meeting) {
  std::vector<Participant> participants;
  if (meeting.other_known) participants.push_back(ParticipantOf(view, meeting.first));
  participants.push_back(ParticipantOf(view, meeting.second));
  return participants;
}

// Whether they are of two processes: neither can ask where the other is.
bool IsElsewhere(const Meeting& meeting) {
  return meeting.other_known && meeting.first.process != meeting.second.process;
}

std::string WhyNoStack(const TrialView& view, const Meeting& meeting) {
  return "of " + NameOf(view, meeting.first) +
         " no stack is known: it is of another process, and tells where it waited when it has "
         "come back from there";
}

Json Evidence(const Waiter& waiter) {
  return {{"process", waiter.process}, {"thread", waiter.thread}, {"fd", waiter.fd}};
}

// "the stream 127.0.0.1:1 - 127.0.0.1:2", "the datagram 127.0.0.1:1", "the pipe", "descriptor 7"
std::string ObjectName(const Meeting& meeting) {
  if (meeting.kind.empty()) return "descriptor " + std::to_string(meeting.second.fd);
  std::string name =
      "the " + (meeting.action == "shared-listener" ? std::string("listening socket") : meeting.kind);
  if (!meeting.local.empty()) name += " " + meeting.local;
  if (!meeting.peer.empty()) name += " - " + meeting.peer;
  return name;
}

std::string Message(const TrialView& view, const Meeting& meeting, const std::string& direction) {
  const std::string second = NameOf(view, meeting.second);
  const std::string object = ObjectName(meeting);
  if (meeting.action == "rejected")
    return "the runtime refused that " + second + " would " + direction + " " + object +
           " too: " + meeting.message;
  if (meeting.action == "replaced")
    return "the runtime dropped who waited to " + direction + " " + object + " when " + second +
           " came";
  const std::string verb = meeting.action == "shared-listener" ? "accept from" : direction;
  std::string first = meeting.other_known ? NameOf(view, meeting.first) : "another";
  if (IsElsewhere(meeting)) first += " of process " + std::to_string(meeting.first.process);
  if (meeting.how == "epoll")
    return "two epoll sets wait to read " + object +
           (meeting.other_known ? ": " + first + "'s, and " + second + "'s" : "");
  if (meeting.how == "set")
    return second + " reads " + object + ", for which " + first + " waits in the same epoll set";
  if (meeting.how == "overlap") return second + " and " + first + " read " + object + " at once";
  if (meeting.how == "set-told")
    return second + " reads " + object + ", while " + first +
           " woke from its wait in the same epoll set";
  const std::string how =
      meeting.how == "poll" ? " waits to " + verb + " " : " calls to " + verb + " ";
  return second + how + object + ", for which " + first + " waits already";
}

// What would mend it.
std::string Cure(const Meeting& meeting, const std::string& direction) {
  if (meeting.action == "shared-listener")
    return "none is needed: each connection goes whole to one of them";
  if (meeting.first.fd >= 0 && meeting.second.fd >= 0 && meeting.first.fd != meeting.second.fd &&
      meeting.first.process == meeting.second.process)
    return "a duplicated descriptor is the same socket: let one task " + direction +
           " it and hand on by a queue";
  if (IsElsewhere(meeting))
    return "close it in all processes but one, or open one for each";
  if (meeting.how.starts_with("set"))
    return "let one thread wait, or register it with EPOLLONESHOT, so that one at a time is told";
  return direction == "read"
             ? "let one task read it and feed the others by a queue, or give each its own "
               "connection"
             : "let one task write it, fed by a queue, or hold one lock over each whole record";
}

// Whether everybody takes one byte, or one count: all who came and all who read, as far as that is known. One who asks for
// more takes what was another's. Who polled, or told its hub that it waits, has not said for how much.
bool IsToken(const Meeting& shown, const std::vector<Meeting>& meetings,
             const std::vector<Transfer>& transfers) {
  if (shown.kind != "pipe" && shown.kind != "eventfd") return false;
  bool some = false;
  for (const Meeting& meeting : meetings) {
    if (meeting.object != shown.object) continue;
    if (meeting.second.takes_more) return false;
    some = some || (meeting.first.takes_one && meeting.second.takes_one);
  }
  for (const Transfer& transfer : transfers) {
    if (transfer.object != shown.object || transfer.bytes == 0) continue;
    if (!transfer.takes_one) return false;
    some = some || transfer.bytes > 0;
  }
  return some;
}

std::string KindOf(const Meeting& meeting, const std::vector<Meeting>& meetings,
                   const std::vector<Transfer>& transfers, const std::string& direction) {
  if (meeting.action == "shared-listener") return "shared-listener";
  if (direction == "read" && IsToken(meeting, meetings, transfers)) return "shared-token";
  return direction == "read" ? "multiple-readers" : "multiple-writers";
}

// An object's first meeting that says who met; what only the runtime told stands where nothing else did.
std::vector<const Meeting*> OnePerObject(const std::vector<Meeting>& meetings) {
  std::map<uint64_t, const Meeting*> by_object;
  for (const Meeting& meeting : meetings) {
    const Meeting*& known = by_object[meeting.object];
    if (known == nullptr || (!known->other_known && meeting.other_known)) known = &meeting;
  }
  std::vector<const Meeting*> first;
  for (const auto& [object, meeting] : by_object) first.push_back(meeting);
  std::sort(first.begin(), first.end(),
            [](const Meeting* a, const Meeting* b) { return a->time < b->time; });
  return first;
}

// Many wait for a pipe or eventfd that says "stop" by its end, or by a count that stays, and take nothing: only where
// something was taken did it matter who got it.
bool IsOnlyAwaited(const Meeting& meeting, const std::vector<Transfer>& transfers) {
  if (meeting.kind != "pipe" && meeting.kind != "eventfd") return false;
  return std::none_of(transfers.begin(), transfers.end(), [&](const Transfer& transfer) {
    return transfer.object == meeting.object && transfer.bytes > 0;
  });
}

int64_t BytesOf(const std::vector<Transfer>& transfers, const Meeting& meeting,
                const Waiter& waiter) {
  int64_t bytes = 0;
  for (const Transfer& transfer : transfers)
    if (transfer.object == meeting.object && transfer.process == waiter.process &&
        transfer.bytes > 0 &&
        (waiter.task != 0 ? transfer.task == waiter.task : transfer.thread == waiter.thread))
      bytes += transfer.bytes;
  return bytes;
}

// Whether these two met, or one of them did with somebody who is not known.
bool Met(const std::vector<Meeting>& meetings, const UnorderedReads& reads) {
  return std::any_of(meetings.begin(), meetings.end(), [&](const Meeting& meeting) {
    const auto is_at = [&](uint32_t task) {
      return meeting.first.task == task || meeting.second.task == task;
    };
    return meeting.other_known ? is_at(reads.first) && is_at(reads.second)
                               : is_at(reads.first) || is_at(reads.second);
  });
}

Finding PotentialFinding(const TrialView& view, const std::string& check,
                         const UnorderedReads& reads) {
  const std::string first = view.TaskName(reads.first), second = view.TaskName(reads.second);
  const std::string message =
      first + " read the " + ObjectText(reads.facts) + ", then " + second +
      " did, and nothing orders the two: another time they may read at once";
  const auto names = std::minmax({WithoutNumbers(first), WithoutNumbers(second)});
  Finding finding =
      view.MakeFinding(check, "potential", "readers\n" + names.first + "\n" + names.second, message,
                       {view.ParticipantOf(reads.first), view.ParticipantOf(reads.second)});
  finding.advisory = true;
  finding.evidence = {{"stream", reads.stream},
                      {"place", ToValidUtf8(reads.facts.place)},
                      {"first_ns", reads.first_time},
                      {"second_ns", reads.second_time},
                      {"cure", "let one task read it, or hand it on by a queue, a lock or a join"}};
  return finding;
}

// One for each stream, of those that did not meet after all.
std::vector<Finding> PotentialFindings(const TrialView& view, const std::string& check,
                                       const std::vector<Meeting>& meetings) {
  std::vector<Finding> findings;
  std::set<uint64_t> streams;
  for (const UnorderedReads& reads : FindUnorderedReads(view))
    if (!Met(meetings, reads) && streams.insert(reads.stream).second)
      findings.push_back(PotentialFinding(view, check, reads));
  return findings;
}

std::set<uint32_t> AllTasks(const TrialView& view) {
  std::set<uint32_t> tasks;
  for (const auto& [number, task] : view.history->tasks()) tasks.insert(number);
  return tasks;
}

// Whether anything ran beside anything else: tasks, threads or processes.
bool RanConcurrently(const TrialView& view) {
  if (AnyConcurrent(view, AllTasks(view))) return true;
  std::set<std::pair<uint32_t, uint32_t>> threads;
  for (const Event& event : view.history->events())
    if (event.kind != EventKind::kExit && event.thread != 0)
      threads.emplace(event.process, event.thread);
  return threads.size() > 1;
}

}  // namespace

std::string_view MultipleReadersChecker::Summary() const {
  return "nobody reads a socket, pipe or eventfd that another task waits to read";
}

std::string_view MultipleWritersChecker::Summary() const {
  return "nobody writes a socket or pipe that another task waits to write";
}

std::vector<CheckArgument> MeetingChecker::Arguments() const {
  if (direction_ != "read") return {};
  return {{.name = "listeners", .type = "boolean", .required = false, .fallback = false}};
}

CheckResult MeetingChecker::Check(const TrialView& view, const Json& arguments) const {
  const std::vector<Meeting> meetings = MeetingsOf(view, direction_);
  const std::vector<Transfer> transfers = TransfersOf(view, direction_);
  CheckResult result;
  for (const Meeting* told : OnePerObject(meetings)) {
    Meeting met = *told;
    const Meeting* meeting = &met;
    if (IsElsewhere(met)) FindStackOfFirst(met, transfers);
    const std::string kind = KindOf(*meeting, meetings, transfers, direction_);
    std::string message = Message(view, *meeting, direction_);
    if (kind == "shared-token") message += "; as a lock it blocks the asyncio hub";
    // Whether who waits in another process came back before the end is chance: no signature is made of that.
    Finding finding = view.MakeFinding(std::string(Name()), kind, meeting->kind, std::move(message),
                                       ParticipantsOf(view, *told));
    finding.participants = ParticipantsOf(view, *meeting);
    finding.advisory =
        (kind != "shared-token" && IsOnlyAwaited(*meeting, transfers)) ||
        (kind == "shared-listener" && !GetBool(arguments, "listeners")) ||
        (kind == "shared-token" && GetString(*view.cell, "runtime") != "eventlet-asyncio");
    finding.evidence = {{"object", meeting->object},
                        {"kind", meeting->kind},
                        {"local", meeting->local},
                        {"peer", meeting->peer},
                        {"second", Evidence(meeting->second)},
                        {"cure", Cure(*meeting, direction_)}};
    finding.evidence["second"]["bytes"] = BytesOf(transfers, *meeting, meeting->second);
    if (meeting->other_known) {
      finding.evidence["first"] = Evidence(meeting->first);
      finding.evidence["first"]["bytes"] = BytesOf(transfers, *meeting, meeting->first);
      if (IsElsewhere(*meeting) && meeting->first.stack.empty())
        finding.evidence["no_stack"] = WhyNoStack(view, *meeting);
    }
    const std::string outcome =
        kind == "shared-listener" ? kind : OutcomeOf(view, *meeting, meetings, transfers);
    if (!outcome.empty()) result.outcomes.insert(outcome);
    if (!finding.advisory && result.verdict != Verdict::kFail) {
      result.verdict = Verdict::kFail;
      result.reason = finding.message;
    }
    result.findings.push_back(std::move(finding));
  }
  if (direction_ == "read") {
    for (Finding& finding : PotentialFindings(view, std::string(Name()), meetings))
      result.findings.push_back(std::move(finding));
  }
  if (result.verdict == Verdict::kFail) return result;
  if (view.history->unseen() > 0)
    return Unknown(Count(static_cast<int64_t>(view.history->unseen()), "wait") +
                   " could not be followed: too many objects were waited for at once");
  if (result.findings.empty() && !RanConcurrently(view))
    return NotExercised("no two tasks were concurrent");
  return result;
}

}  // namespace trireme
