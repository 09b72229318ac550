// Runs every case of tests/contract/cases.txt under every runtime of C++, each in a process of its
// own, as trials are.
#include "tests/runners/native/contract.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "harness/base/file.h"
#include "harness/base/mutex.h"
#include "harness/base/strings.h"
#include "harness/protocol/runtimes.h"
#include "runners/native/native.h"
#include "runners/native/stacks.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"

namespace trireme {

std::vector<ContractCase>& ContractCases() {
  static std::vector<ContractCase>& cases = *new std::vector<ContractCase>();
  return cases;
}

ContractRegistration::ContractRegistration(const char* name, Task<> (*main)(Runtime&),
                                           void (*check)(const Recording&)) {
  std::string dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  ContractCases().push_back({.name = dashed, .main = main, .check = check});
}

std::vector<Recorded> Recording::Of(trireme_event kind, std::string_view key) const {
  std::vector<Recorded> found;
  for (const Recorded& event : events_)
    if (event.kind == kind && (key.empty() || event.key == key)) found.push_back(event);
  return found;
}

Recorded Recording::One(trireme_event kind, std::string_view key) const {
  const std::vector<Recorded> found = Of(kind, key);
  EXPECT_EQ(found.size(), 1U) << "events of kind " << kind << " with key '" << key << "'";
  return found.size() == 1 ? found.front() : Recorded{};
}

uint32_t Recording::TaskOf(std::string_view path) const {
  return One(TRIREME_TASK_START, path).task;
}

std::string Recording::PathOf(uint32_t task) const {
  for (const Recorded& start : Of(TRIREME_TASK_START))
    if (start.task == task) return start.key;
  return "?";
}

namespace {

// A probe that keeps its records in memory.
class Recorder {
 public:
  static Recorder& Get() {
    static Recorder& recorder = *new Recorder();
    return recorder;
  }
  void Add(Recorded event) TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    events_.push_back(std::move(event));
  }
  Recording Take() TRIREME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return Recording(events_);
  }

 private:
  Mutex mutex_;
  std::vector<Recorded> events_ TRIREME_GUARDED_BY(mutex_);
};

std::atomic<uint32_t> last_task{0};
std::atomic<uint64_t> last_operation{0};
thread_local uint32_t current_task = 0;

std::string TextOf(uint16_t type, const void* value, uint32_t size) {
  if (type == TRIREME_INT || type == TRIREME_BOOL)
    return std::to_string(*static_cast<const int64_t*>(value));
  if (type == TRIREME_DOUBLE) return DumpJson(Json(*static_cast<const double*>(value)));
  return std::string(static_cast<const char*>(value), size);
}

void RecordTo(uint32_t task, uint16_t kind, uint64_t id, const char* key, uint32_t key_size,
              uint16_t type, const void* value, uint32_t value_size) {
  Recorder::Get().Add({.task = task,
                       .kind = static_cast<trireme_event>(kind),
                       .id = id,
                       .key = std::string(key == nullptr ? "" : key, key_size),
                       .type = static_cast<trireme_type>(type),
                       .value = TextOf(type, value, value_size)});
}

// A plan of the faults that fault_contract.cc tells of.
int Suffers(const char*, const char* name, uint64_t ordinal) {
  if (ordinal == 0) return 1;
  if (ordinal != 2) return 0;
  return std::string_view(name).starts_with("victim") ? 1
         : std::string_view(name).starts_with("late") ? 2
                                                      : 0;
}

const trireme_probe_api& RecorderProbe() {
  static trireme_probe_api api = Probe();
  api.record = [](uint16_t kind, uint64_t id, const char* key, uint32_t key_size, uint16_t type,
                  const void* value, uint32_t value_size) {
    RecordTo(current_task, kind, id, key, key_size, type, value, value_size);
  };
  api.record_for = RecordTo;
  api.new_task = [] { return ++last_task; };
  api.new_operation = [] { return ++last_operation; };
  api.current_task = [] { return current_task; };
  api.set_task = [](uint32_t task) { current_task = task; };
  api.attached = [] { return 1; };
  api.point = Suffers;
  // As where a fault set the clock that workloads see back by an hour: whoever mixes the two waits for that hour.
  api.now = [] { return static_cast<uint64_t>(ShownNow()) + 3600 * uint64_t{1'000'000'000}; };
  return api;
}

constexpr unsigned kCaseSeconds = 60;

[[noreturn]] void RunCase(const ContractCase& contract_case, const std::string& runtime) {
  ::alarm(kCaseSeconds);
  ::signal(SIGPIPE, SIG_IGN);
  // ThreadSanitizer starts a thread of its own with the first one: before a census counts them.
  std::thread([] {}).join();
  LoadUnwinder();
  InstallStacksHandler(STDERR_FILENO);  // for who looks into a case that hangs: kill -46
  ReplaceProbe(RecorderProbe());
  Backend& backend = *NewBackend(runtime).release();
  const TrialOptions options = {.seed = 7, .inputs = 11, .params = {{"rounds", 3}}};
  RunTrial(backend, options, [&](Runtime& rt, const Params&) { return contract_case.main(rt); });
  const Recording recording = Recorder::Get().Take();
  if (contract_case.check != nullptr)
    contract_case.check(recording);
  else
    EXPECT_EQ(recording.One(TRIREME_END).key, "returned") << recording.One(TRIREME_END).value;
  std::fflush(nullptr);
  ::_exit(testing::Test::HasFailure() ? 1 : 0);
}

}  // namespace

std::vector<std::string> CppRuntimes() {
  std::vector<std::string> names;
  for (const RuntimeInfo& runtime : Runtimes())
    if (runtime.language == "cpp") names.emplace_back(runtime.name);
  return names;
}

int RunInChild(const ContractCase& contract_case, const std::string& runtime) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) RunCase(contract_case, runtime);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

namespace {

// One case under one runtime.
class ContractTest : public testing::Test {
 public:
  ContractTest(std::string runtime, const ContractCase& contract_case)
      : runtime_(std::move(runtime)), case_(contract_case) {}

  void TestBody() override {
    const int status = RunInChild(case_, runtime_);
    EXPECT_FALSE(WIFSIGNALED(status)) << "died by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }

 private:
  std::string runtime_;
  const ContractCase& case_;
};

}  // namespace

void RegisterContract() {
  for (const std::string& runtime : CppRuntimes()) {
    for (const ContractCase& contract_case : ContractCases()) {
      std::string name = runtime + "_" + contract_case.name;
      std::replace(name.begin(), name.end(), '-', '_');
      testing::RegisterTest(
          "ContractTest", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
          [runtime, &contract_case] { return new ContractTest(runtime, contract_case); });
    }
  }
}

namespace {

// The cases that hold for C++: lines of the file but comments, and those of [python] alone.
std::set<std::string> WantedCases() {
  std::set<std::string> wanted;
  for (const std::string& line : Split(ReadFile(TRIREME_CONTRACT_CASES).value(), '\n')) {
    const size_t colon = line.find(':');
    if (line.empty() || line.front() == '#' || colon == std::string::npos) continue;
    if (!line.substr(colon + 1).starts_with(" [python]")) wanted.insert(line.substr(0, colon));
  }
  return wanted;
}

TEST(ContractCasesTest, AreThoseOfTheFile) {
  std::set<std::string> tested;
  for (const ContractCase& contract_case : ContractCases())
    EXPECT_TRUE(tested.insert(contract_case.name).second)
        << contract_case.name << " is there twice";
  EXPECT_EQ(tested, WantedCases());
}

TEST(ContractRuntimesTest, EachHasABackendAndATableOfCorrespondences) {
  for (const std::string& runtime : CppRuntimes()) {
    const std::unique_ptr<Backend> backend = NewBackend(runtime);
    ASSERT_NE(backend, nullptr) << runtime;
    EXPECT_EQ(backend->name(), runtime);
    EXPECT_EQ(backend->model(), FindRuntime(runtime)->model);
    EXPECT_FALSE(backend->correspondences().empty());
  }
}

}  // namespace
}  // namespace trireme

// The cases register themselves before main.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  trireme::RegisterContract();
  return RUN_ALL_TESTS();
}
