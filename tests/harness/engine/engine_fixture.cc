#include "tests/harness/engine/engine_fixture.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/engine/process_table.h"
#include "tests/harness/engine/own_shared_memory.h"

namespace trireme {
namespace {

// What descriptors are open, as "3 -> target"; the one that lists them left out.
std::vector<std::string> Descriptors() {
  std::vector<std::string> open;
  for (const std::string& number : ListDirectory("/proc/self/fd")) {
    std::array<char, 256> target{};
    const std::string link = "/proc/self/fd/" + number;
    if (::readlink(link.c_str(), target.data(), target.size() - 1) > 0)
      open.push_back(number + " -> " + target.data());
  }
  return open;
}

}  // namespace

EngineTest::EngineTest() {
  options_.locations.runner = TRIREME_FAKE_RUNNER;
  options_.locations.probe = TRIREME_PROBE;
  options_.run_directory = directory_.path();
  events_.started = [this](size_t cell, int64_t trial) {
    order_.push_back(std::to_string(cell) + "/" + std::to_string(trial));
  };
  events_.judge = [this](const FinishedTrial& trial) {
    finished_.push_back(trial);
    return judge_ ? judge_(trial) : Judgement::kPass;
  };
  events_.refused = [this](size_t cell, const EngineEvents::Refusal& refusal) {
    refused_[cell] = refusal;
  };
  events_.note = [this](size_t cell, const std::string& note) { notes_[cell].push_back(note); };
  events_.ready = [this](size_t cell, const Json& environment) {
    environments_[cell] = environment;
  };
}

void EngineTest::SetUp() {
  SeparateSharedMemory();  // first: in a chroot, what is open has another path afterwards
  descriptors_before_ = Descriptors();
}

void EngineTest::TearDown() {
  for (const ProcessInfo& process : DescendantsOf(::getpid(), ReadProcessTable()))
    ADD_FAILURE() << "left behind: process " << process.pid << " " << CommandLineOf(process.pid);
  EXPECT_EQ(Descriptors(), descriptors_before_);
  EXPECT_THAT(LeftInSharedMemory(), ::testing::IsEmpty());
}

PlannedCell EngineTest::Cell(const std::string& id, const Json& params, int64_t trials) {
  PlannedCell cell;
  cell.id = id;
  cell.scenario = "scenario";
  cell.runtime = "thread";
  cell.language = "cpp";
  cell.workload = "/fake/workload";
  cell.params = params;
  for (int64_t trial = 0; trial < trials; ++trial) cell.trials.push_back(trial);
  cell.timeout = 20 * kNanosecondsPerSecond;
  return cell;
}

EngineOutcome EngineTest::Run(const std::vector<PlannedCell>& cells) {
  Plan plan;
  plan.seed = 0x5eed;
  plan.cells = cells;
  Result<EngineOutcome> outcome = RunPlan(plan, options_, events_);
  EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().Render());
  return outcome.ok() ? *outcome : EngineOutcome{};
}

const FinishedTrial& EngineTest::only() const {
  TRIREME_CHECK(finished_.size() == 1);
  return finished_.front();
}

std::string EngineTest::FileOf(const FinishedTrial& trial, const std::string& name) const {
  const Result<std::string> text = ReadFile(JoinPath(trial.directory, name));
  return text.ok() ? *text : "no file: " + text.error().message;
}

History EngineTest::HistoryOf(const FinishedTrial& trial) {
  Result<History> history = History::Read(JoinPath(trial.directory, "history.trh"));
  TRIREME_CHECK(history.ok());
  return *std::move(history);
}

std::string EngineTest::ExitKey(const FinishedTrial& trial) {
  const History history = HistoryOf(trial);
  if (history.events().empty() || history.events().back().kind != EventKind::kExit) return "none";
  return std::string(history.events().back().key);
}

size_t EngineTest::CountEvents(const FinishedTrial& trial, EventKind kind) {
  const History history = HistoryOf(trial);
  size_t count = 0;
  for (const Event& event : history.events()) count += event.kind == kind ? 1 : 0;
  return count;
}

}  // namespace trireme
