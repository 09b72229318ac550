// What recording costs the program under test, and what a recording costs the engine. Goals: an
// operation (invoke and ok, an integer) 100 ns; making and sealing the recording of a tiny trial
// 200 us.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

// Asked for once, as the C++ runtimes do.
const trireme_probe_api* const probe = trireme_probe(TRIREME_PROBE_ABI);
const trireme_probe_api& Probe() { return *probe; }

void RecordOperation(int64_t number) {
  const uint64_t operation = Probe().new_operation();
  Probe().record(TRIREME_INVOKE, operation, "op", 2, TRIREME_INT, &number, sizeof(number));
  Probe().record(TRIREME_OK, operation, "op", 2, TRIREME_INT, &number, sizeof(number));
}

// A new recording, attached, for each benchmark.
class Recorded {
 public:
  explicit Recorded(const RecordingOptions& options = {}) {
    TRIREME_CHECK(CreateRecording(path_, options).ok());
    TRIREME_CHECK(Probe().attach(path_.c_str()) == 0);
  }
  ~Recorded() {
    const Result<History> history = History::Read(path_);
    TRIREME_CHECK(history.ok() && history->lost() == 0);
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;
  const std::string& path() const { return path_; }

 private:
  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
};

void Operation(benchmark::State& state) {
  const Recorded recorded;
  int64_t number = 0;
  for (auto _ : state) RecordOperation(number++);
  state.SetLabel("recording one operation (invoke + ok) from C++ | <= 100 ns");
}
BENCHMARK(Operation)->Iterations(1000000);

void OperationWhereRecordingIsOff(benchmark::State& state) {
  const Recorded recorded({.recording = false});
  int64_t number = 0;
  for (auto _ : state) RecordOperation(number++);
}
BENCHMARK(OperationWhereRecordingIsOff);

// The floor of an event: half of what an operation pays for its two times.
void ReadTheClock(benchmark::State& state) {
  timespec time{};
  for (auto _ : state) {
    clock_gettime(CLOCK_MONOTONIC, &time);
    benchmark::DoNotOptimize(time);
  }
}
BENCHMARK(ReadTheClock);

void Switch(benchmark::State& state) {
  const Recorded recorded;
  uint32_t task = 0;
  for (auto _ : state) Probe().set_task(++task);
  Probe().set_task(0);
}
BENCHMARK(Switch)->Iterations(1000000);

// What watching costs: the difference of these two, of which nothing is recorded.
void SwitchOf(benchmark::State& state, int64_t hold_threshold) {
  const Recorded recorded({.left_out = {EventKind::kSwitch}, .hold_threshold = hold_threshold});
  uint32_t task = 0;
  for (auto _ : state) Probe().set_task(++task);
  Probe().set_task(0);
}
void SwitchUnrecorded(benchmark::State& state) { SwitchOf(state, 0); }
BENCHMARK(SwitchUnrecorded)->Iterations(1000000);
void SwitchOfAWatchedLoop(benchmark::State& state) {
  SwitchOf(state, 100'000'000);
  state.SetLabel("one switch of a task whose loop is watched: 20 ns more than SwitchUnrecorded");
}
BENCHMARK(SwitchOfAWatchedLoop)->Iterations(1000000);

void RecordInChild(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    Probe().attach(path.c_str());
    for (int i = 0; i < 100; ++i) RecordOperation(i);
    _exit(0);
  }
  TRIREME_CHECK(waitpid(child, nullptr, 0) == child);
}

// A trial of 100 operations, recorded by a process that is gone.
void CreateAndSeal(benchmark::State& state) {
  const TemporaryDirectory folder;
  const std::string path = JoinPath(folder.path(), "history.ring");
  const std::string sealed = JoinPath(folder.path(), "history.trh");
  for (auto _ : state) {
    TRIREME_CHECK(CreateRecording(path, {}).ok());
    state.PauseTiming();
    RecordInChild(path);
    // A trial has a folder of its own: replacing a file would wait for the disk.
    TRIREME_CHECK(RemoveTree(sealed).ok());
    state.ResumeTiming();
    TRIREME_CHECK(SealRecording(path, sealed, {{.kind = EventKind::kExit, .key = "exited"}}).ok());
  }
  state.SetLabel("making and sealing a trial's recording | <= 200 us");
}
BENCHMARK(CreateAndSeal)->Iterations(2000)->Unit(benchmark::kMicrosecond);

void Attach(benchmark::State& state) {
  const Recorded recorded;
  for (auto _ : state) TRIREME_CHECK(Probe().attach(recorded.path().c_str()) == 0);
}
BENCHMARK(Attach)->Iterations(2000)->Unit(benchmark::kMicrosecond);

void AskForTheNewestEvent(benchmark::State& state) {
  const Recorded recorded;
  for (int i = 0; i < 100; ++i) RecordOperation(i);
  for (auto _ : state) benchmark::DoNotOptimize(NewestEventTime(recorded.path()));
}
BENCHMARK(AskForTheNewestEvent)->Unit(benchmark::kMicrosecond);

void ReadAMillionEvents(benchmark::State& state) {
  const Recorded recorded;
  for (int i = 0; i < 500000; ++i) RecordOperation(i);
  for (auto _ : state) benchmark::DoNotOptimize(History::Read(recorded.path()).ok());
}
BENCHMARK(ReadAMillionEvents)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trireme
