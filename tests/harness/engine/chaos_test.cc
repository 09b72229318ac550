// Everything that goes wrong, many times: each way to misbehave, and the harness killed at random
// moments. Whatever happens, no process, descriptor or shared memory remains and no recorded
// operation is lost.
//
// Short by default. TRIREME_CHAOS_ROUNDS and TRIREME_CHAOS_KILLS lengthen it (ci/soak: 20 and 100),
// and TRIREME_CHAOS_SEED brings a failure back as far as the machine's timing allows.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/engine/process_table.h"
#include "tests/harness/engine/chaos_behaviours.h"
#include "tests/harness/engine/engine_fixture.h"
#include "tests/harness/engine/own_shared_memory.h"

namespace trireme {
namespace {

using ::testing::Contains;

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value == nullptr ? fallback : std::strtoull(value, nullptr, 0);
}

class MisbehaviourChaosTest : public EngineTest {};

TEST_F(MisbehaviourChaosTest, EndsEveryWayToMisbehaveEveryTime) {
  const auto rounds = static_cast<int64_t>(FromEnvironment("TRIREME_CHAOS_ROUNDS", 1));
  std::vector<PlannedCell> cells;
  for (size_t i = 0; i < kChaosBehaviours.size(); ++i) {
    PlannedCell cell = Cell("cell-" + std::to_string(i), kChaosBehaviours[i].Params(), rounds);
    const bool hangs = kChaosBehaviours[i].exit == "timeout";
    cell.timeout = (hangs ? 300 : 60'000) * kNanosecondsPerMillisecond;
    cell.memory = int64_t{512} << 20;
    // Broken runners end a cell after three: each of their trials is a cell of its own.
    for (const int64_t trial : cell.trials) {
      PlannedCell one = cell;
      one.id += "-" + std::to_string(trial);
      one.trials = {trial};
      cells.push_back(one);
    }
  }
  options_.jobs = 2;
  options_.patience = {.start = 2 * kNanosecondsPerSecond,
                       .stacks = 300 * kNanosecondsPerMillisecond,
                       .end = 2 * kNanosecondsPerSecond};
  const EngineOutcome outcome = Run(cells);
  EXPECT_EQ(outcome.infrastructure, "");
  EXPECT_EQ(outcome.executed, static_cast<int64_t>(cells.size()));
  for (const FinishedTrial& trial : finished_) {
    const ChaosBehaviour& behaviour = kChaosBehaviours[trial.cell / static_cast<size_t>(rounds)];
    // Who kills the guardian takes its neighbour along.
    if (ExitKey(trial) == "interrupted") continue;
    EXPECT_THAT(Split(behaviour.exit, ' '), Contains(ExitKey(trial)))
        << behaviour.trial << " " << behaviour.runner << ": " << DumpJson(trial.exit);
  }
}

class KillChaosTest : public ::testing::Test {
 protected:
  KillChaosTest() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~KillChaosTest() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

  static pid_t StartHarness(const std::string& directory, uint64_t seed) {
    const std::string text = std::to_string(seed);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::execl(TRIREME_CHAOS_HARNESS, TRIREME_CHAOS_HARNESS, directory.c_str(), text.c_str(), nullptr);
    ::_exit(127);
  }

  // How long anything below us lives on; -1: longer than ten seconds. Children that ended are
  // reaped.
  static int64_t WaitUntilNothingIsLeft() {
    const int64_t begin = SystemClock().Now();
    while (SystemClock().Now() - begin < 10 * kNanosecondsPerSecond) {
      pid_t reaped = 0;
      do reaped = ::waitpid(-1, nullptr, WNOHANG);
      while (reaped > 0);
      if (reaped < 0) return SystemClock().Now() - begin;
      ::usleep(2000);
    }
    return -1;
  }

  static std::string Left() {
    std::string text;
    for (const ProcessInfo& process : DescendantsOf(::getpid(), ReadProcessTable()))
      text += std::to_string(process.pid) + " " + process.state + " " + CommandLineOf(process.pid) +
              "\n";
    return text;
  }

  // Each folder's history is readable, sealed or not, and has what its trial says that it recorded.
  static int CheckHistories(const std::string& run) {
    int counted = 0;
    for (const std::string& cell : ListDirectory(run + "/trials"))
      for (const std::string& trial : ListDirectory(run + "/trials/" + cell))
        counted += CheckHistory(run + "/trials/" + cell + "/" + trial) ? 1 : 0;
    return counted;
  }

  static bool CheckHistory(const std::string& folder) {
    Result<std::string> count = ReadFile(folder + "/count");
    if (!count.ok() || count->size() != sizeof(int64_t)) return false;
    int64_t recorded = 0;
    std::memcpy(&recorded, count->data(), sizeof(recorded));
    const bool sealed = FileExists(folder + "/history.trh");
    const Result<History> history =
        History::Read(folder + (sealed ? "/history.trh" : "/history.ring"));
    EXPECT_TRUE(history.ok()) << folder;
    if (!history.ok()) return false;
    int64_t found = 0;
    for (const Event& event : history->events()) found += event.kind == EventKind::kOk ? 1 : 0;
    EXPECT_GE(found, recorded) << folder << ": operations were lost; sealed: " << sealed;
    EXPECT_EQ(history->lost(), 0U) << folder;
    return recorded > 0;
  }
};

TEST_F(KillChaosTest, AKilledHarnessLeavesNoProcessAndLosesNoOperation) {
  const uint64_t kills = FromEnvironment("TRIREME_CHAOS_KILLS", 5);
  const uint64_t seed = FromEnvironment("TRIREME_CHAOS_SEED", EntropySeed() % 1'000'000);
  std::printf("replay: TRIREME_CHAOS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  SeparateSharedMemory();
  int64_t longest = 0;
  int counted = 0;
  uint64_t round = 0;
  // On a busy machine the few of a short run may all come before a trial has recorded anything.
  for (; round < kills || (counted == 0 && round < 20 * kills); ++round) {
    const TemporaryDirectory run;
    const pid_t harness = StartHarness(run.path(), rng.Next());
    // A pid of -1 would be everybody to kill().
    ASSERT_GT(harness, 0) << "cannot fork";
    ::usleep(static_cast<useconds_t>(5000 + rng.Below(600'000)));
    ::kill(harness, SIGKILL);
    const int64_t lived = WaitUntilNothingIsLeft();
    ASSERT_GE(lived, 0) << "round " << round << ": left are " << Left();
    longest = std::max(longest, lived);
    counted += CheckHistories(run.path());
  }
  EXPECT_GT(counted, 0) << "no trial recorded anything";
  EXPECT_EQ(LeftInSharedMemory(), std::vector<std::string>());
  std::printf("%llu kills, %d histories with operations, all processes gone within %s\n",
              static_cast<unsigned long long>(round), counted, FormatDuration(longest).c_str());
}

}  // namespace
}  // namespace trireme
