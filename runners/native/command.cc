#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/base/unique_fd.h"
#include "harness/protocol/runtimes.h"
#include "runners/native/command_output.h"
#include "runners/native/stacks.h"
#include "runners/native/zygote.h"
#include "runners/sdk/exceptions.h"
#include "runners/sdk/probe.h"

namespace trireme {
namespace {

// In the trial's folder: pytest's own report, as evidence. What is compared the agent's hook
// records.
constexpr const char* kPytestReport = "pytest.xml";
// Arms that shared the suite's own cache would tell each other which tests failed last.
constexpr const char* kPytestCache = "pytest-cache";

void SetVariable(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

void PrependVariable(const char* name, const std::string& value) {
  const char* others = std::getenv(name);
  SetVariable(name, others == nullptr || *others == '\0' ? value : value + ":" + others);
}

// A program that runs unchanged in an environment that decides its runtime. The trial's process
// starts it and waits: what it is told by the runner protocol it passes on, and what becomes of the
// program it records.
class Command final : public Payload {
 public:
  explicit Command(const Json& load)
      : load_(load), runtime_(*FindRuntime(GetString(load, "runtime"))) {
    for (const Json& word : GetMember(load, "argv"))
      if (word.is_string()) argv_.push_back(word.get<std::string>());
    SetEnvironment();
  }

  std::string Missing() const {
    if (argv_.empty()) return "no command";
    const std::string& program = argv_.front();
    if (program.find('/') == std::string::npos)
      return FindProgram(program).empty() ? "no program '" + program + "' in PATH" : "";
    const std::string directory = GetString(load_, "directory");
    const std::string path = program.starts_with('/') ? program : JoinPath(directory, program);
    if (::access(path.c_str(), X_OK) == 0) return "";
    return "cannot start '" + program + "': " + std::strerror(errno);
  }

  // What the program really is, it says itself: the hook records it once its interpreter runs.
  Json Environment() const override {
    return {{"runtime", std::string(runtime_.name)},
            {"model", std::string(runtime_.model)},
            {"interpreter", GetString(load_, "interpreter")},
            {"patched", nullptr},
            {"hub", nullptr},
            {"backend", "command"},
            {"gil", nullptr},
            {"versions", Json::object()}};
  }

  void Run(const Json& trial, const std::function<void()>& before_main) override {
    const uint32_t task = Probe().new_task();
    Probe().set_task(task);
    Record(TRIREME_BEGIN, 0, {},
           Value::Json(DumpJson({{"seed", GetString(trial, "seed")},
                                 {"inputs", GetString(trial, "inputs")},
                                 {"params", GetMember(trial, "params")},
                                 {"runtime", std::string(runtime_.name)},
                                 {"environment", Environment()},
                                 {"argv", argv_}})));
    RecordFor(task, TRIREME_TASK_START, 0, "1", "command");
    before_main();
    const Outcome outcome = RunProgram(trial);
    // No observation and no end: what kept the program from starting is the machine's, and must not
    // look like what the program did.
    if (!outcome.failure.empty()) return Record(TRIREME_WARNING, 0, "not-started", outcome.failure);
    const int status = outcome.status;
    Record(TRIREME_OBSERVE, 0, "exit-status",
           WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
    RecordFor(task, TRIREME_TASK_END, 0, "returned");
    Record(TRIREME_END, 0, "returned");
  }

 private:
  void SetEnvironment() const {
    const std::string agent = GetString(load_, "agent");
    if (const std::string interpreter = GetString(load_, "interpreter"); !interpreter.empty())
      PrependVariable("PATH", DirName(interpreter));
    if (!agent.empty()) PrependVariable("PYTHONPATH", JoinPath(agent, "trireme_agent/command"));
    SetVariable("TRIREME_COMMAND_RUNTIME", std::string(runtime_.name));
    SetVariable("TRIREME_COMMAND_HUB", std::string(runtime_.hub));
    SetVariable("PYTHONHASHSEED", "0");
  }

  struct Outcome {
    int status = 0;       // as waitpid gives it
    std::string failure;  // why the program did not start; "" when it did
  };

  Outcome RunProgram(const Json& trial) const {
    const std::string report = JoinPath(GetString(trial, "directory"), kPytestReport);
    const char* others = std::getenv("PYTEST_ADDOPTS");
    SetVariable(
        "PYTEST_ADDOPTS",
        (others == nullptr ? "" : std::string(others) + " ") + "--junitxml=" + ShellQuote(report) +
            " -o cache_dir=" + ShellQuote(JoinPath(GetString(trial, "directory"), kPytestCache)));
    SetVariable("TRIREME_COMMAND_STACKS", StacksPath());
    std::vector<char*> arguments;
    for (const std::string& word : argv_) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::array<int, 2> failure{-1, -1};
    if (::pipe2(failure.data(), O_CLOEXEC) != 0) return NotStarted("", errno);
    const UniqueFd failure_read(failure[0]);
    UniqueFd failure_write(failure[1]);
    CommandOutput output(GetMember(load_, "lines"));
    if (const int error = output.Open(); error != 0) return NotStarted("", error);
    const pid_t child = ::fork();
    if (child < 0) return NotStarted("", errno);
    if (child == 0) {
      output.TakeOver();
      Become(arguments.data(), failure_write.get());
    }
    failure_write.Reset();
    SetStacksCommand(child);
    Failure told;
    ssize_t size = 0;
    while ((size = ::read(failure_read.get(), &told, sizeof(told))) < 0 && errno == EINTR) continue;
    output.PassOn(child);
    Outcome outcome;
    while (::waitpid(child, &outcome.status, 0) < 0 && errno == EINTR) continue;
    if (size != sizeof(told)) return outcome;
    return NotStarted(told.in_directory ? GetString(load_, "directory") : argv_.front(),
                      told.error);
  }

  // What the child tells when it cannot become the program.
  struct Failure {
    bool in_directory = false;
    int error = 0;
  };

  static Outcome NotStarted(const std::string& what, int error) {
    const std::string text = (what.empty() ? "" : what + ": ") + std::strerror(error);
    std::fprintf(stderr, "trireme-runner: cannot start the command: %s\n", text.c_str());
    return {.status = 0, .failure = text};
  }

  // `failure` is closed by what the process becomes.
  [[noreturn]] void Become(char* const* arguments, int failure) const {
    ::signal(SIGPIPE, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a trial that is ended takes its program with it
    const std::string directory = GetString(load_, "directory");
    const bool entered = directory.empty() || ::chdir(directory.c_str()) == 0;
    if (entered) ::execvp(arguments[0], arguments);
    const Failure told = {.in_directory = !entered, .error = errno};
    (void)!::write(failure, &told, sizeof(told));
    ::_exit(127);
  }

  const Json load_;
  const RuntimeInfo& runtime_;
  std::vector<std::string> argv_;
};

}  // namespace

Loaded LoadCommand(const Json& load) {
  const RuntimeInfo* runtime = FindRuntime(GetString(load, "runtime"));
  if (runtime == nullptr || !runtime->runs_commands)
    return {.payload = nullptr,
            .refusal = {"unsupported",
                        "runtime '" + GetString(load, "runtime") + "' cannot run a command"}};
  auto command = std::make_unique<Command>(load);
  if (const std::string missing = command->Missing(); !missing.empty())
    return {.payload = nullptr, .refusal = {"missing", missing}};
  return {.payload = std::move(command)};
}

}  // namespace trireme
