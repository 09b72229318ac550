#include <poll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/check/checker.h"
#include "harness/check/judge.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/python_options.h"
#include "harness/cli/process_sample.h"
#include "harness/cli/run_options.h"
#include "harness/cli/suppressions.h"
#include "harness/cli/vocabulary.h"
#include "harness/cli/watch_faults.h"
#include "harness/cli/watch_findings.h"
#include "harness/cli/watch_injection.h"
#include "harness/cli/watch_session.h"
#include "harness/cli/watchable_checks.h"
#include "harness/cli/watched_processes.h"
#include "harness/cli/watched_program.h"
#include "harness/engine/port_shares.h"
#include "harness/history/history.h"
#include "harness/history/waits.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "harness/scenario/check_choices.h"
#include "harness/scenario/check_option.h"
#include "reports/report.h"
#include "reports/words.h"

namespace trireme {
namespace {

struct WatchOptions {
  std::vector<std::string> command;
  std::vector<std::string> checks = {"multiple-readers", "multiple-writers"};
  std::vector<ReportRequest> reports;
  std::string runtime = "program";
  Suppressions suppressions;
  std::optional<int64_t> attach_after, limit;
  int finding_status = kExitFail;
  WatchFaults faults;
};

// Of a program from outside: its switches are too many to keep, and nobody asks for them.
const std::vector<EventKind> kLeftOut = {EventKind::kSwitch, EventKind::kTaskEnd};
// And while it is not watched yet. Who waits for what is followed all the same.
const std::vector<EventKind> kLeftOutAtFirst = {EventKind::kSwitch, EventKind::kTaskEnd,
                                                EventKind::kSocket, EventKind::kHold,
                                                EventKind::kUsage};

// Objects that tasks wait for at once: a server has many connections.
constexpr uint32_t kObjects = TRIREME_MOST_OBJECTS;

std::string WithFormer(const std::string& value, const char* name) {
  const char* former = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return std::string(name) + "=" + value +
         (former == nullptr || *former == '\0' ? "" : ":" + std::string(former));
}

// "deadlock,lock-order": those of the checks; "" for none.
std::string ChecksOfLocks(const Json& checks) {
  std::vector<std::string> names;
  for (const Json& check : checks) {
    std::string name = GetString(check, "name");
    if (std::find(kOfLocks.begin(), kOfLocks.end(), name) != kOfLocks.end())
      names.push_back(std::move(name));
  }
  return Join(names, ",");
}

std::vector<std::string> Environment(const Locations& locations, const std::string& recording,
                                     const Json& checks) {
  return {WithFormer(locations.probe, "LD_PRELOAD"),
          WithFormer(JoinPath(locations.agent, "trireme_agent/command"), "PYTHONPATH"),
          "TRIREME_HISTORY=" + recording, "TRIREME_WATCH=1",
          "TRIREME_WATCH_LOCKS=" + ChecksOfLocks(checks)};
}

Json CellOf(const WatchOptions& options, const Json& checks) {
  return {{"id", "watch"},
          {"scenario", BaseName(options.command.front())},
          {"runtime", options.runtime},
          {"trials", {0}},
          {"checks", checks},
          {"watched", true},
          {"expect", {{"verdicts", {"pass"}}}}};
}

Status CheckWatchable(const std::string& name, const Vocabulary& vocabulary) {
  const std::vector<std::string> watchable(kWatchable.begin(), kWatchable.end());
  if (std::find(watchable.begin(), watchable.end(), name) != watchable.end()) return Done{};
  const bool known = std::any_of(vocabulary.checks.begin(), vocabulary.checks.end(),
                                 [&](const auto& one) { return one.name == name; });
  if (known)
    return UsageError("option --checks: '" + name + "' judges a workload, not a watched program",
                      "watched can be: " + Join(watchable, ", "));
  const std::string hint = DidYouMean(name, watchable);
  return UsageError("option --checks: unknown check '" + name + "'",
                    hint.empty() ? "watched can be: " + Join(watchable, ", ") : hint);
}

Result<Json> ChecksOf(const std::vector<std::string>& names) {
  const Vocabulary vocabulary = MakeVocabulary();
  Json checks = Json::array();
  std::vector<CheckChoice> choices;
  for (const std::string& name : names) {
    TRIREME_RETURN_IF_ERROR(CheckWatchable(name.substr(0, name.find(':')), vocabulary));
    Result<CheckChoice> parsed = ParseCheckOption(name, vocabulary);
    if (!parsed.ok()) {
      Diagnostic error = parsed.error();
      constexpr std::string_view kOption = "option --check:";
      if (error.message.starts_with(kOption)) error.message.insert(kOption.size() - 1, "s");
      return error;
    }
    const CheckChoice& choice = *parsed;
    if (const Status fits = CheckRepeats(choices, choice, vocabulary); !fits.ok())
      return UsageError("option --checks: " + fits.error().message, fits.error().hint);
    choices.push_back(choice);
    // A program that did nothing of the kind is no unknown.
    checks.push_back(
        {{"name", choice.name}, {"arguments", choice.arguments}, {"by_default", true}});
  }
  return checks;
}

void PrintFinding(const Finding& finding, int64_t count) {
  std::string text = "trireme: " + std::string(finding.advisory ? "(advisory) " : "") +
                     finding.kind + ": " + OneLine(finding.message);
  if (count > 1) text += " (at " + std::to_string(count) + " objects)";
  text += "\n";
  for (const Participant& participant : finding.participants) {
    text += "  " + OneLine(NameOf(participant));
    if (!participant.task.empty() && participant.thread != 0)
      text += ", thread " + std::to_string(participant.thread);
    text += "\n";
    for (const std::string& frame : participant.stack) text += "    " + OneLine(frame) + "\n";
  }
  if (const std::string why = GetString(finding.evidence, "no_stack"); !why.empty())
    text += "  " + OneLine(why) + "\n";
  if (const std::string cure = GetString(finding.evidence, "cure"); !cure.empty())
    text += "  cure: " + cure + "\n";
  PrintError(text);
}

void PrintWaits(const std::string& recording) {
  const Result<std::vector<WaitNow>> waits = ReadWaits(recording);
  if (!waits.ok()) return PrintError("trireme: " + waits.error().message + "\n");
  std::string text = "trireme: " + Count(static_cast<int64_t>(waits->size()), "wait") +
                     " for sockets, pipes and eventfds now\n";
  for (const WaitNow& wait : *waits)
    text += "  process " + std::to_string(wait.process) + ", " +
            (wait.task == 0 ? "thread " + std::to_string(wait.thread)
                            : "task " + std::to_string(wait.task)) +
            ": to " + (wait.writes ? "write" : "read") + " descriptor " + std::to_string(wait.fd) +
            " (inode " + std::to_string(wait.inode) + ")\n";
  PrintError(text);
}

// Of a PROCESS event: what of that process is not seen; "" where all is.
std::string UnseenTasks(const Event& event) {
  std::vector<std::string> argv;
  const Json value = event.Value();
  if (const Json& words = GetMember(value, "argv"); words.is_array())
    for (const Json& word : words)
      if (word.is_string()) argv.push_back(word.get<std::string>());
  const std::string option = OptionWithoutSite(argv);
  if (option.empty()) return "";
  return "of " + argv[0] + " " + option +
         " only threads were told apart, not tasks: -I, -E and -S keep out what does that";
}

// What the checks could not see, one sentence each. `left` are the processes that were there when the program ended.
std::vector<std::string> Unseen(const History& history, const WatchedEnd& end,
                                std::set<uint32_t> left, bool watching,
                                const WatchFindings& findings) {
  std::vector<std::string> unseen;
  if (!watching) unseen.emplace_back("the program ended before it was watched (--attach-after)");
  std::set<std::string> started, tasks, told;
  for (const Event& event : history.events()) {
    if (event.kind == EventKind::kWarning && event.key == "exec" && event.Value().is_string())
      started.insert(event.Value().get<std::string>());
    if (event.kind == EventKind::kProcess && ProcessRuns(event.process)) left.insert(event.process);
    if (event.kind == EventKind::kProcess)
      if (std::string text = UnseenTasks(event); !text.empty()) tasks.insert(std::move(text));
    // Each process of a service says the same, each time that it starts something.
    if (event.kind == EventKind::kWarning && event.key == "watch" && event.Value().is_string())
      if (auto text = event.Value().get<std::string>(); told.insert(text).second)
        unseen.push_back(std::move(text));
  }
  for (const std::string& program : started)
    if (const Result<std::string> file = FindWatchedProgram(program);
        !file.ok() && FileExists(program))
      unseen.push_back(file.error().message);
  unseen.insert(unseen.end(), tasks.begin(), tasks.end());
  left.erase(static_cast<uint32_t>(end.process));
  if (!left.empty())
    unseen.push_back(Counted(static_cast<int64_t>(left.size()), "process", "processes") +
                     " of it still there, and not watched any more");
  if (!findings.unknown().empty()) unseen.push_back(findings.unknown());
  if (!history.damage().empty()) unseen.push_back(history.damage());
  return unseen;
}

bool SawProcess(const History& history, pid_t process) {
  return std::any_of(history.events().begin(), history.events().end(), [&](const Event& event) {
    return event.kind == EventKind::kProcess && event.process == static_cast<uint32_t>(process);
  });
}

Json WithFaults(Json cell, const WatchFaults& faults) {
  if (faults.plan.empty()) return cell;
  cell["faults"] = Json::array({faults.plan});
  cell["fault_plan"] = faults.all;
  return cell;
}

// The recording as the trial of a run, so that every report can be written of it.
Status WriteReports(const WatchOptions& options, const Json& cell, const std::string& folder,
                    const std::string& recording, int status,
                    const std::vector<std::string>& unseen) {
  const int64_t now = SystemClock().Now();
  const Json exit = {{"code", 0}, {"seconds", 0}};  // the program's status is no finding of ours
  TRIREME_RETURN_IF_ERROR(SealRecording(
      recording, JoinPath(folder, "history.trh"),
      {{.kind = EventKind::kBegin, .time = 0, .value = {{"runtime", options.runtime}}},
       {.kind = EventKind::kObserve, .time = now, .key = "exit-status", .value = status},
       {.kind = EventKind::kEnd, .time = now, .key = "returned"},
       {.kind = EventKind::kExit, .time = now, .key = "exited", .value = exit}},
      HarnessPart::kInJournal));
  RunJudge judge(Json{{"cells", Json::array({WithFaults(cell, options.faults)})},
                      {"suppressions", SuppressionsToJson(options.suppressions.all())}});
  judge.JudgeTrial(0, {.trial = 0, .attempt = "watch", .directory = folder});
  RunResults results = judge.Finish({{"command_line", options.command},
                                     {"version", TRIREME_VERSION},
                                     {"working_directory", RealPath(".")}});
  for (const std::string& one : unseen) results.notes.push_back("unknown: " + one);
  for (const ReportRequest& request : options.reports) {
    const ReportFormat& format = *FindReportFormat(request.format);
    TRIREME_RETURN_IF_ERROR(
        WriteOutput(request.path, format.write(results, StyleOfFile(request.path))));
  }
  return Done{};
}

// Before the program runs: what it did may not happen again. As far as it can be told without making a file.
Status CheckReportsCanBeWritten(const std::vector<ReportRequest>& requests) {
  for (const auto& [format, path] : requests) {
    if (path == "-" || (FileExists(path) && !IsRegularFile(path) && !IsDirectory(path))) continue;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    int error = 0;
    if (IsDirectory(path))
      error = EISDIR;
    else if (::access(((folder.empty() ? "." : folder) / ".").c_str(), W_OK | X_OK) != 0)
      error = errno;
    if (error != 0)
      return UsageError("option --report: cannot create " + path + ": " +
                        std::generic_category().message(error));
  }
  return Done{};
}

// A name that nobody can guess.
std::string RecordingIn(const std::string& folder) {
  std::array<uint64_t, 2> number{};
  TRIREME_CHECK(::getrandom(number.data(), sizeof(number), 0) == sizeof(number));
  return JoinPath(folder, FormatHex(number[0]) + "-" + FormatHex(number[1]) + ".ring");
}

// The ends of tasks say which of them come before which.
std::vector<EventKind> LeftOut(const Json& checks, std::vector<EventKind> kinds) {
  if (!ChecksOfLocks(checks).empty()) std::erase(kinds, EventKind::kTaskEnd);
  return kinds;
}

bool AttachNow(const std::string& recording, const Json& checks) {
  const Status attached = LeaveOut(recording, LeftOut(checks, kLeftOut));
  PrintError("trireme: " + (attached.ok() ? "watched from now on" : attached.error().message) +
             "\n");
  return attached.ok();
}

// While it lives, those who know the recording's name may come to it: a program of root's that becomes another user, to whom
// the probe gives the file. It stays with the group of root's, for a root without the right to open what is another's.
class OpenToOtherUsers {
 public:
  OpenToOtherUsers(std::string folder, const std::string& recording) : folder_(std::move(folder)) {
    if (::geteuid() != 0 || ::chmod(recording.c_str(), 0660) != 0) return;
    open_ = ::chmod(folder_.c_str(), 0711) == 0;
  }
  ~OpenToOtherUsers() {
    if (open_) (void)::chmod(folder_.c_str(), 0700);
  }
  OpenToOtherUsers(const OpenToOtherUsers&) = delete;
  OpenToOtherUsers& operator=(const OpenToOtherUsers&) = delete;

 private:
  std::string folder_;
  bool open_ = false;
};

void TellFaults(const WatchFaults& faults, const History& history) {
  const std::vector<AppliedFault> applied = AppliedFaults({.history = &history});
  const std::string words = AppliedInWords(faults, history, applied);
  PrintError("trireme: faults " + faults.plan + ": " + words + "\n");
  for (const std::string& line : FaultProblems({.history = &history}))
    PrintError("trireme: " + OneLine(line) + "\n");
  for (const std::string& line : ReusedLines(history, applied))
    PrintError("trireme: " + OneLine(line) + "\n");
}

// What is said once the program has ended, but for the last line. The exit status.
int Summarise(const WatchOptions& options, const History& history, const WatchedEnd& end,
              const std::vector<std::string>& unseen, const WatchFindings& findings) {
  // What there is more to say of than when it was found: where else, how it ended, or where the other one was.
  for (const auto& [key, known] : findings.known())
    if (known.count > 1 || known.told != WatchFindings::SaidOf(known.finding))
      PrintFinding(known.finding, known.count);
  for (const std::string& one : unseen) PrintError("trireme: unknown: " + one + "\n");
  if (!options.faults.plan.empty()) TellFaults(options.faults, history);
  for (const std::string& unused : findings.suppressions().Unused())
    PrintError("trireme: warning: suppression " + unused + "\n");
  if (const int64_t count = findings.suppressions().suppressed(); count > 0)
    PrintError("trireme: " + Count(count, "finding") + " suppressed\n");
  return findings.count() > 0 ? options.finding_status : end.status;
}

// Why nothing can be said of the program from its recording.
Status CheckSeen(const WatchOptions& options, const Result<History>& history, pid_t process) {
  if (!history.ok())
    return InfrastructureError("what was recorded cannot be read: " + history.error().message);
  if (SawProcess(*history, process)) return Done{};
  if (!history->damage().empty())
    return InfrastructureError("what was recorded is damaged: " + history->damage());
  return InfrastructureError(
      "nothing was seen of " + options.command.front() +
          ": the probe was not loaded into it, or what it recorded was taken away",
      "it may have cleared LD_PRELOAD, or brings a loader of its own");
}

RecordingOptions RecordingOptionsOf(const WatchOptions& options, const Json& checks, int64_t begin,
                                    bool watching) {
  const RecordingNeeds needs = NeedsOf(checks);
  return {.begin_time = begin,
          .left_out = LeftOut(checks, watching ? kLeftOut : kLeftOutAtFirst),
          .hold_threshold = needs.hold_threshold,
          .usage_interval = needs.usage_interval,
          .objects = kObjects,
          .plan = options.faults.compiled,
          .clients = PortsOfClients(KernelPorts::Read())};
}

int Watch(WatchOptions options, const Json& checks) {
  const Locations locations = FindLocations();
  const Result<std::string> program = FindWatchedProgram(options.command.front());
  if (!program.ok()) return Fail(program.error());
  if (!FileExists(locations.probe))
    return Fail(InfrastructureError("the probe is missing: " + locations.probe));
  const Result<std::unique_ptr<TemporaryDirectory>> folder = TemporaryDirectory::Make();
  if (!folder.ok()) return Fail(folder.error());
  const std::string recording = RecordingIn((*folder)->path());
  const int64_t begin = SystemClock().Now();
  bool watching = options.attach_after.value_or(0) == 0;
  const Result<std::unique_ptr<WatchInjection>> injection =
      WatchInjection::Prepare(&options.faults, recording, begin);
  if (!injection.ok()) return Fail(injection.error());
  const Status created =
      CreateRecording(recording, RecordingOptionsOf(options, checks, begin, watching));
  if (!created.ok()) return Fail(created.error());
  if (const Status ready = (*injection)->Attach(recording); !ready.ok()) return Fail(ready.error());
  std::optional<OpenToOtherUsers> open(std::in_place, (*folder)->path(), recording);
  const Json cell = CellOf(options, checks);
  WatchFindings findings(recording, cell, options.suppressions);
  const auto look = [&](bool last) {
    for (const Finding& finding : findings.Look(last)) PrintFinding(finding, 1);
  };
  if (!options.faults.plan.empty())
    PrintError("trireme: faults " + options.faults.plan + ", seed " +
               FormatHex(options.faults.seed) + "\n");
  WatchSession session;
  const Result<WatchedEnd> end = session.Run(
      {.program = *program,
       .argv = options.command,
       .environment = Environment(locations, recording, checks),
       .limit = options.limit ? *options.limit + options.attach_after.value_or(0) : 0},
      {.started = [&](pid_t process) { (*injection)->Begin(process); },
       .look =
           [&] {
             if (!watching && SystemClock().Now() - begin >= *options.attach_after)
               watching = AttachNow(recording, checks);
             (*injection)->Look();
             look(false);
           },
       .asked = [&] { PrintWaits(recording); }});
  (*injection)->End();
  open.reset();
  if (!end.ok()) return Fail(end.error());
  // Now: what they do from here on may be in no event that is read.
  const std::set<uint32_t> left = ProcessesWithRecording(recording);
  look(true);
  const Result<History> history = History::Read(recording);
  const Status seen = CheckSeen(options, history, end->process);
  std::vector<std::string> unseen;
  if (seen.ok()) unseen = Unseen(*history, *end, left, watching, findings);
  int status = seen.ok() ? Summarise(options, *history, *end, unseen, findings)
                         : Fail(seen.error());
  if (seen.ok() && !options.reports.empty()) {
    const Status written =
        WriteReports(options, cell, (*folder)->path(), recording, end->status, unseen);
    if (!written.ok()) status = Fail(written.error());
  }
  // Scripts read this line, the last one: it has the same words for every number.
  PrintError("trireme: " + std::to_string(findings.count()) + " findings, program exited " +
             std::to_string(end->status) + "\n");
  return status;
}

constexpr int64_t kSampleFor = kNanosecondsPerSecond;
constexpr int kSampleEveryMs = 20;

// A program that runs without the probe: what /proc shows of it, again and again for a while, or
// until it ends.
int Sample(int process, const WatchOptions& options) {
  std::set<SampledMeeting> seen;
  bool looked = false;
  const int64_t end = SystemClock().Now() + options.limit.value_or(kSampleFor);
  do {
    const Result<std::vector<SampledMeeting>> meetings = SampleProcess(process);
    if (!meetings.ok() && looked) break;  // it has ended
    if (!meetings.ok()) return Fail(meetings.error());
    looked = true;
    for (const SampledMeeting& meeting : *meetings)
      if (seen.insert(meeting).second)
        PrintError("trireme: multiple-readers (sample): " + meeting.object + " is waited for by " +
                   meeting.first + " and by " + meeting.second + "\n");
    ::poll(nullptr, 0, kSampleEveryMs);
  } while (SystemClock().Now() < end);
  PrintError("trireme: " + Count(static_cast<int64_t>(seen.size()), "finding") +
             " in a sample of process " + std::to_string(process) +
             ", which runs without the probe: what did not happen meanwhile was not seen\n");
  return seen.empty() ? kExitPass : options.finding_status;
}

// Of the options that only mean something for a program that is started with the probe, which were given.
Status CheckSample(std::initializer_list<std::pair<std::string_view, bool>> given) {
  for (const auto& [option, is_given] : given) {
    if (is_given)
      return UsageError(
          "option " + std::string(option) + ": not for a sample of a process that runs already",
          "of that, only who waits to read what is seen; --for and --error-exitcode may be given");
  }
  return Done{};
}

}  // namespace

int WatchCommand(const Arguments& arguments) {
  WatchOptions options;
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  OptionParser parser("watch");
  std::vector<std::string> checks, reports, surplus, suppressions;
  std::optional<std::string> runtime, status, faults, seed;
  std::optional<int64_t> process;
  parser.List(
      "--checks", "A,B", checks,
      "multiple-readers, multiple-writers (default: these two), blocked-loop, hub-spin, of Python "
      "deadlock, lock-order, with arguments as in check --check");
  parser.Value("--runtime", "R", runtime,
               "what the program runs on, for the reports and for what fails on one runtime only");
  parser.Values("--report", "FORMAT=PATH", reports, "write a report at its end; repeatable");
  parser.Count("--pid", process,
               "look at a process that runs already, by /proc, for a second or --for");
  parser.Values("--suppressions", "FILE", suppressions,
                "findings to leave alone, beside the shipped ones; repeatable");
  parser.Duration("--attach-after", options.attach_after,
                  "what the program does until then is no finding");
  parser.Duration("--for", options.limit, "end the program after that long, from then on");
  parser.Value("--error-exitcode", "N", status, "exit status when there is a finding (default 1)");
  parser.Value("--faults", "PLAN", faults,
               "inject these faults: a name of 'trireme list faults', or a plan file");
  parser.Value("--seed", "N", seed, "of the faults' decisions, decimal or 0x; default 1");
  parser.Positionals("CMD", surplus, "after --: the program and its arguments");
  if (const std::optional<int> code = parser.Parse(Arguments(arguments.begin(), separator)))
    return *code;
  const bool sampled = process.has_value() && separator == arguments.end() && surplus.empty();
  if (separator != arguments.end()) options.command.assign(separator + 1, arguments.end());
  if (process && !sampled)
    return Fail(UsageError("option --pid: a process that runs, or a program to start, not both"));
  if (!sampled && (!surplus.empty() || options.command.empty() || options.command.front().empty()))
    return Fail(UsageError("watch which program?", "'trireme watch -- PROGRAM ARGUMENTS'"));
  if (!checks.empty()) options.checks = checks;
  const Result<Json> chosen = ChecksOf(options.checks);
  if (!chosen.ok()) return Fail(chosen.error());
  for (const std::string& text : reports) {
    Result<ReportRequest> request = ParseReportRequest(text);
    if (!request.ok()) return Fail(request.error());
    options.reports.push_back(*std::move(request));
  }
  if (const Status writable = CheckReportsCanBeWritten(options.reports); !writable.ok())
    return Fail(writable.error());
  Result<Suppressions> left_alone = ReadSuppressions(suppressions, FindLocations());
  if (!left_alone.ok()) return Fail(left_alone.error());
  options.suppressions = *std::move(left_alone);
  if (status) {
    const std::optional<uint64_t> number = ParseUnsigned(*status);
    if (!number || *number > 255)
      return Fail(
          UsageError("option --error-exitcode: '" + *status + "' is no exit status", "0 to 255"));
    options.finding_status = static_cast<int>(*number);
  }
  if (sampled) {
    const bool other_checks = !checks.empty() && checks != std::vector<std::string>{"multiple-readers"};
    const Status known = CheckSample({{"--checks", other_checks},
                                      {"--runtime", runtime.has_value()},
                                      {"--report", !reports.empty()},
                                      {"--suppressions", !suppressions.empty()},
                                      {"--attach-after", options.attach_after.has_value()},
                                      {"--faults", faults.has_value()},
                                      {"--seed", seed.has_value()}});
    if (!known.ok()) return Fail(known.error());
  }
  Result<WatchFaults> suffered = ReadWatchFaults(faults, seed);
  if (!suffered.ok()) return Fail(suffered.error());
  options.faults = *std::move(suffered);
  if (runtime) {
    const std::vector<Vocabulary::Runtime> known = MakeVocabulary().runtimes;
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& one) { return one.name == *runtime; }))
      return Fail(UsageError("option --runtime: unknown runtime '" + *runtime + "'",
                             "'trireme list runtimes' names them"));
    options.runtime = *runtime;
  }
  return sampled ? Sample(static_cast<int>(*process), options)
                 : Watch(std::move(options), *chosen);
}

}  // namespace trireme
