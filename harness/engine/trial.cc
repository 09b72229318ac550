#include "harness/engine/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/engine/control_pipes.h"
#include "harness/engine/process_table.h"
#include "harness/engine/signal_response.h"
#include "harness/history/writer.h"

namespace trireme {
namespace {

constexpr int64_t kMemoryInterval = 200 * kNanosecondsPerMillisecond;
// One stream must not keep the loop from the others.
constexpr size_t kReadBudget = 1 << 20;
constexpr size_t kStacksLimit = 4 << 20;

constexpr const char* kRecording = "history.ring";
constexpr const char* kHistory = "history.trh";

// Of the trial's temporary files, where a fault limits them.
constexpr const char* kTemporary = "tmp";

FaultPlan FaultsOf(const PlannedCell& cell) {
  if (cell.fault_plan.is_null()) return {};
  Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
  TRIREME_CHECK(plan.ok());
  return *std::move(plan);
}

Status MakePipe(UniqueFd& read, UniqueFd& write) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ErrnoError("cannot make a pipe", errno);
  read.Reset(ends[0]);
  write.Reset(ends[1]);
  return Done{};
}

bool RegularFile(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// Bytes that a file has on the disk: a recording may have been made larger than what is in it.
int64_t RoomOf(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? int64_t{status.st_blocks} * 512 : 0;
}

}  // namespace

Trial::Trial(const Services& services, const PlannedCell& cell, TrialSetting setting)
    : services_(services),
      cell_(cell),
      setting_(std::move(setting)),
      faults_(FaultsOf(cell), &events_),
      network_(&events_),
      output_(Path("stdout")),
      errors_(Path("stderr")),
      stacks_(kStacksLimit),
      debugger_output_(kStacksLimit) {
  begin_ = SystemClock().Now();
}

Trial::~Trial() { CloseOutput(); }

std::string Trial::Path(const char* file) const { return JoinPath(setting_.directory, file); }

Status Trial::Prepare() {
  TRIREME_RETURN_IF_ERROR(MakeDirectories(setting_.directory));
  TRIREME_RETURN_IF_ERROR(faults_.Prepare(Path(kTemporary), services_.guardian()));
  begin_ = SystemClock().Now();
  prepared_ = true;
  CompiledPlan plan = setting_.faults;
  TRIREME_RETURN_IF_ERROR(
      network_.Start(FaultsOf(cell_), setting_.seed, begin_, services_.proxy_ports, &plan));
  TRIREME_RETURN_IF_ERROR(
      CreateRecording(Path(kRecording), {.begin_time = begin_,
                                         .recording = setting_.record,
                                         .hold_threshold = setting_.watch.hold_threshold,
                                         .usage_interval = setting_.watch.usage_interval,
                                         .plan = std::move(plan),
                                         .ports = setting_.ports,
                                         .clients = setting_.clients}));
  empty_recording_ = RoomOf(Path(kRecording));
  if (HarnessActsIn(cell_)) TRIREME_RETURN_IF_ERROR(events_.Open(Path(kRecording)));
  return network_.Attach(Path(kRecording));
}

Status Trial::Send(Channel& runner) {
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd out, output_.Open());
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd err, errors_.Open());
  TRIREME_ASSIGN_OR_RETURN(const UniqueFd stacks, stacks_.Open());
  WatchOutput(output_);
  WatchOutput(errors_);
  services_.poller.Watch(stacks_.fd(), [this] { ReadStacks(); });
  std::vector<int> descriptors = {out.get(), err.get(), stacks.get()};
  UniqueFd holds, goes;
  if (faults_.HoldsWorkload()) {
    TRIREME_RETURN_IF_ERROR(MakePipe(held_, holds));
    TRIREME_RETURN_IF_ERROR(MakePipe(goes, go_));
    descriptors.insert(descriptors.end(), {holds.get(), goes.get()});
  }
  TRIREME_RETURN_IF_ERROR(runner.Send({{"type", "trial"},
                                       {"attempt", setting_.name},
                                       {"directory", setting_.directory},
                                       {"history", Path(kRecording)},
                                       {"seed", FormatHex(setting_.seed)},
                                       {"inputs", FormatHex(setting_.inputs)},
                                       {"params", cell_.params},
                                       {"memory", setting_.address_space},
                                       {"record", setting_.record},
                                       {"temporary", faults_.temporary()},
                                       {"hold", held_.valid()}},
                                      descriptors));
  Enter(Phase::kSent, services_.patience.start);
  return Done{};
}

void Trial::WatchOutput(OutputCapture& capture) {
  services_.poller.Watch(capture.fd(), [this, &capture] {
    if (!capture.Read(kReadBudget)) services_.poller.Forget(capture.fd());
  });
}

void Trial::Enter(Phase phase, int64_t patience) {
  phase_ = phase;
  phase_deadline_ = patience == kNever ? kNever : SystemClock().Now() + patience;
}

Status Trial::OnStarted(Packet& packet) {
  if (phase_ != Phase::kSent) return InfrastructureError("the runner started a trial twice");
  pid_ = static_cast<pid_t>(GetInt(packet.message, "pid"));
  if (pid_ <= 0 || packet.descriptors.empty())
    return InfrastructureError("the runner's `started` names no process");
  events_.SetProcess(pid_);
  process_ = std::move(packet.descriptors.front());
  Enter(Phase::kRunning, kNever);
  time_ = away_ + cell_.timeout;
  phase_deadline_ = begin_ + time_;
  if (setting_.memory > 0) next_memory_check_ = begin_ + kMemoryInterval;
  if (held_.valid())
    services_.poller.Watch(held_.get(), [this] { LetGo(); });
  else
    StartFaults(begin_);
  return Done{};
}

void Trial::StartFaults(int64_t begin) {
  faults_.Start({.process = pid_,
                 .pidfd = process_.get(),
                 .command = !cell_.command.empty(),
                 .recording = Path(kRecording),
                 .begin = begin,
                 .launch = services_.launch,
                 .end = services_.end});
}

void Trial::LetGo() {
  if (phase_ == Phase::kRunning) {
    const int64_t now = SystemClock().Now();
    StartFaults(now);
    faults_.OnTime(now);
  }
  // Not by its end: a process that was forked meanwhile may have a copy of it.
  (void)!::write(go_.get(), "g", 1);
  ForgetHold();
}

void Trial::ForgetHold() {
  if (held_.valid() && pid_ != 0) services_.poller.Forget(held_.get());
  held_.Reset();
  go_.Reset();
}

Status Trial::OnFailed(const Packet& packet) {
  if (phase_ != Phase::kSent)
    return InfrastructureError("the runner failed to start a trial that it had started");
  Disturb(GetString(packet.message, "message", "the runner could not start it"));
  return Done{};
}

Status Trial::OnEnded(const Packet& packet) {
  if (phase_ == Phase::kNew || phase_ == Phase::kSent || phase_ == Phase::kOver)
    return InfrastructureError("the runner ended a trial that it had not started");
  if (GetInt(packet.message, "pid") != pid_ || !GetMember(packet.message, "status").is_number())
    return InfrastructureError("the runner's `ended` is about another process");
  faults_.End();
  ended_ = packet.message;
  end_ = SystemClock().Now();
  phase_ = Phase::kOver;
  // This loop may have been away when the process ended, judging other trials.
  const int64_t ended_at = GetInt(ended_, "time");
  process_end_ = ended_at >= begin_ && ended_at <= end_ ? ended_at : end_;
  return Done{};
}

bool Trial::OnReport(const GuardianReport& report) {
  if (faults_.OnReport(report)) return true;
  using Kind = GuardianReport::Kind;
  if (report.kind == Kind::kExited) {
    if (debugger_ == 0 || report.pid != debugger_) return false;
    debugger_ = 0;
    if (phase_ == Phase::kDebugger) DebuggerDone();
    return true;
  }
  if (debugger_token_ == 0 || report.token != debugger_token_) return false;
  debugger_ = report.pid;
  if (report.kind == Kind::kStarted) return true;
  report_.missing.push_back("native frames: gdb does not start: " +
                            std::string(std::strerror(report.error)));  // NOLINT: one thread
  if (phase_ == Phase::kDebugger) Kill();
  return true;
}

int64_t Trial::deadline() const {
  const int64_t faults = phase_ == Phase::kRunning ? faults_.deadline() : kNever;
  return std::min({phase_deadline_, next_memory_check_, faults});
}

void Trial::Postpone(int64_t nanoseconds) {
  if (phase_ == Phase::kSent) away_ += nanoseconds;
  if (phase_ == Phase::kRunning) {
    time_ += nanoseconds;
    faults_.Postpone(nanoseconds);
  }
  if (phase_deadline_ != kNever) phase_deadline_ += nanoseconds;
}

void Trial::OnTime(int64_t now) {
  if (phase_ == Phase::kRunning) faults_.OnTime(now);
  if (now >= next_memory_check_) WatchMemory(now);
  if (now < phase_deadline_) return;
  const auto within = [](int64_t patience) { return " within " + FormatDuration(patience); };
  switch (phase_) {
    case Phase::kSent:
      return Break("the runner did not start the trial" + within(services_.patience.start));
    case Phase::kRunning:
      return TimedOut();
    case Phase::kStacks:
      report_.missing.push_back(
          "the rest of the runtime's stacks: no end of them" + within(services_.patience.stacks) +
          " of signal " + std::to_string(kStacksSignal) +
          "; the interpreter's lock may be held, or no code of the runtime runs");
      return StacksDone();
    case Phase::kDebugger:
      report_.missing.push_back("the rest of the native frames: gdb did not end" +
                                within(services_.patience.debugger));
      return DebuggerDone();
    case Phase::kKilled:
      return Break("the runner did not end a killed trial" + within(services_.patience.end));
    default:
      phase_deadline_ = kNever;
  }
}

void Trial::WatchMemory(int64_t now) {
  next_memory_check_ = now + kMemoryInterval;
  const int64_t resident = ResidentBytesOfTree(pid_, setting_.memory);
  resident_ = std::max(resident_, resident);
  if (resident <= setting_.memory) return;
  memory_exceeded_ = true;
  Kill();
}

void Trial::TimedOut() {
  timed_out_ = true;
  faults_.End();  // what is stopped or short of memory says nothing of its stacks
  newest_event_ = NewestEventTime(Path(kRecording));
  report_.heading = cell_.id + ", trial " + std::to_string(setting_.attempt.trial) +
                    ": not over after " + FormatDuration(time_) + "; process " +
                    std::to_string(pid_) + ", " + CommandLineOf(pid_);
  report_.threads = DescribeThreads(pid_);
  if (!CatchesSignal(pid_, kStacksSignal)) {
    report_.missing.push_back("the runtime's stacks: the process does not handle signal " +
                              std::to_string(kStacksSignal));
    return StacksDone();
  }
  if (::syscall(SYS_pidfd_send_signal, process_.get(), kStacksSignal, nullptr, 0) != 0)
    return Kill();
  Enter(Phase::kStacks, services_.patience.stacks);
}

void Trial::ReadStacks() {
  if (!stacks_.Read()) services_.poller.Forget(stacks_.fd());
  if (phase_ == Phase::kStacks && stacks_.text().ends_with(kEndOfStacks)) StacksDone();
}

void Trial::StacksDone() {
  if (services_.debugger.empty() || services_.patience.debugger == 0) {
    report_.missing.push_back(services_.debugger.empty() ? "native frames: there is no gdb"
                                                         : "native frames: gdb was not asked");
    return Kill();
  }
  Result<UniqueFd> output = debugger_output_.Open();
  if (!output.ok()) return Kill();
  const Result<uint64_t> token = services_.launch(
      {.argv = {services_.debugger, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-p",
                std::to_string(pid_), "-ex", "thread apply all bt"},
       .environment = {"LD_PRELOAD"},
       .output = output->get()});
  if (!token.ok()) return Kill();
  debugger_token_ = *token;
  services_.poller.Watch(debugger_output_.fd(), [this] {
    if (!debugger_output_.Read()) services_.poller.Forget(debugger_output_.fd());
  });
  Enter(Phase::kDebugger, services_.patience.debugger);
}

void Trial::DebuggerDone() {
  debugger_output_.Read();
  if (debugger_output_.text().find("ptrace: ") != std::string::npos)
    report_.missing.push_back("native frames: this machine does not let gdb attach");
  Kill();
}

void Trial::Kill() {
  if (debugger_ != 0) services_.end(debugger_);
  next_memory_check_ = kNever;
  faults_.End();
  (void)::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  Enter(Phase::kKilled, services_.patience.end);
}

void Trial::Interrupt() {
  if (interrupted_ || over()) return;
  interrupted_ = true;
  if (phase_ == Phase::kSent || phase_ == Phase::kNew) return Break("interrupted");
  if (phase_ != Phase::kBroken) Kill();
}

void Trial::Break(const std::string& reason) {
  if (phase_ == Phase::kBroken || over()) return;
  if (debugger_ != 0) services_.end(debugger_);
  next_memory_check_ = kNever;
  faults_.End();
  broken_ = reason;
  Enter(Phase::kBroken, kNever);
}

void Trial::Vanish(const std::string& reason, const Json& orphans) {
  Break(reason);
  broken_ = reason;
  vanished_ = true;
  ended_ = {{"orphans", orphans}};
  end_ = process_end_ = SystemClock().Now();
  phase_ = Phase::kOver;
}

int64_t Trial::RecordedBytes() const {
  return std::max<int64_t>(RoomOf(Path(kRecording)) - empty_recording_, 0);
}

void Trial::Disturb(const std::string& reason) {
  disturbed_ = true;
  Vanish(reason, Json::array());
}

void Trial::CloseOutput() {
  ForgetHold();
  for (const int fd : {output_.fd(), errors_.fd(), stacks_.fd(), debugger_output_.fd()})
    if (fd >= 0) services_.poller.Forget(fd);
  if (debugger_ != 0) services_.end(std::exchange(debugger_, 0));
  stacks_.Read();
  stacks_.Close();
  debugger_output_.Close();
  output_.Finish();
  errors_.Finish();
}

std::string Trial::ExitKey() const {
  if (timed_out_) return "timeout";
  if (interrupted_ || disturbed_) return "interrupted";
  if (vanished_) return "vanished";
  return WIFSIGNALED(static_cast<int>(GetInt(ended_, "status"))) ? "signalled" : "exited";
}

Json Trial::ExitValue(const std::string& key) const {
  const Json null;
  const auto status = static_cast<int>(GetInt(ended_, "status"));
  Json value = {{"status", vanished_ ? null : Json(status)}};
  value["code"] = !vanished_ && WIFEXITED(status) ? Json(WEXITSTATUS(status)) : null;
  value["signal"] = !vanished_ && WIFSIGNALED(status) ? Json(WTERMSIG(status)) : null;
  value["timeout_ns"] = time_ > 0 ? time_ : cell_.timeout;
  value["seconds"] =
      static_cast<double>(process_end_ - begin_) / static_cast<double>(kNanosecondsPerSecond);
  value["user"] = GetDouble(ended_, "user");
  value["system"] = GetDouble(ended_, "system");
  value["rss"] = std::max(resident_, GetInt(ended_, "rss"));
  const Json& orphans = GetMember(ended_, "orphans");
  value["orphans"] = orphans.is_array() ? orphans : Json::array();
  value["stdout_bytes"] = output_.bytes();
  value["stderr_bytes"] = errors_.bytes();
  value["stdout_dropped"] = output_.dropped();
  value["stderr_dropped"] = errors_.dropped();
  value["memory_limit"] = setting_.memory > 0 ? Json(setting_.memory) : null;
  value["memory_exceeded"] = memory_exceeded_;
  value["newest_event_ns"] =
      key == "timeout" && newest_event_ > 0 ? Json(newest_event_ - begin_) : null;
  value["fault"] = FaultThatEndedIt();
  value["protocol_error"] = broken_.empty() || interrupted_ ? null : Json(broken_);
  return value;
}

Json Trial::FaultThatEndedIt() const {
  const bool by_itself = !timed_out_ && !interrupted_ && !vanished_ && !memory_exceeded_;
  const uint32_t number =
      by_itself ? faults_.EndedBy(static_cast<int>(GetInt(ended_, "status"))) : 0;
  return number == 0 ? Json() : Json{{"id", number}, {"name", faults_.NameOf(number)}};
}

Status Trial::Seal(const std::string& key, const Json& value) const {
  NewEvent event{.kind = EventKind::kExit, .time = end_, .key = key, .value = value};
  event.process = static_cast<uint32_t>(pid_);
  const std::string sealed = Path(kHistory);
  const std::string recording = Path(kRecording);
  if (IsDirectory(sealed)) TRIREME_RETURN_IF_ERROR(RemoveTree(sealed));
  std::vector<NewEvent> added = events_.All();
  added.push_back(std::move(event));
  if (RegularFile(recording)) {
    Status status = SealRecording(recording, sealed, added);
    if (status.ok()) EventJournal::Remove(recording);
    const bool overwritten = !status.ok() && status.error().kind == ErrorKind::kUsage;
    if (overwritten) ::rename(recording.c_str(), (recording + ".damaged").c_str());
    if (status.ok() || RegularFile(recording)) return status;
  }
  // The workload took the recording away or wrote over its header, if there was one; what it lost
  // with it cannot be had.
  if (prepared_) added.back().value["recording_lost"] = true;
  TRIREME_RETURN_IF_ERROR(MakeDirectories(setting_.directory));
  EventJournal::Remove(recording);
  return WriteFile(sealed, EncodeHistory(begin_, added));
}

Status Trial::WriteStacks() {
  report_.by_runtime = stacks_.text();
  if (report_.by_runtime.ends_with(kEndOfStacks))
    report_.by_runtime.resize(report_.by_runtime.size() - std::strlen(kEndOfStacks));
  report_.by_debugger = debugger_output_.text();
  if (stacks_.cut()) report_.missing.push_back("the beginning of the runtime's stacks: too long");
  report_.tasks = DescribeTasks(Path(kRecording));
  return WriteFile(Path("stacks.txt"), report_.Render());
}

Result<FinishedTrial> Trial::Finish() {
  TRIREME_CHECK(over());
  CloseOutput();
  RemoveControlPipesOfTheDead();
  network_.Stop();
  Status written = timed_out_ ? WriteStacks() : Done{};
  const std::string key = ExitKey();
  const Json value = ExitValue(key);
  TRIREME_RETURN_IF_ERROR(Seal(key, value));
  TRIREME_RETURN_IF_ERROR(std::move(written));
  if (!output_.status().ok()) return output_.status().error();
  if (!errors_.status().ok()) return errors_.status().error();
  return FinishedTrial{.cell = setting_.attempt.cell,
                       .trial = setting_.attempt.trial,
                       .retry = setting_.attempt.retry,
                       .attempt = setting_.name,
                       .directory = setting_.directory,
                       .seconds = GetDouble(value, "seconds"),
                       .exit = value};
}

}  // namespace trireme
