// What processor time a task pays for a lock and for a queue that it finds free, with recording off and on: under each C++
// runtime, in a process of its own.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <string>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "runners/native/native.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"
#include "tests/bench/recording_file.h"
#include "trireme/workload.h"

namespace trireme {
namespace {

constexpr int kTimes = 1'000'000;

Task<> LockAndUnlock(Runtime& rt) {
  Lock lock = rt.Lock();
  for (int i = 0; i < kTimes; ++i) {
    co_await lock.Acquire();
    lock.Release();
  }
}

Task<> PutAndGet(Runtime& rt) {
  Queue<int> queue = rt.Queue<int>();
  for (int i = 0; i < kTimes; ++i) {
    co_await queue.Put(i);
    benchmark::DoNotOptimize(co_await queue.Get());
  }
}

// Of this process: what else the machine does meanwhile does not count.
double ProcessorSeconds() {
  timespec time{};
  TRIREME_CHECK(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

using Workload = Task<> (*)(Runtime& rt);

[[noreturn]] void RunAndTell(const std::string& runtime, const std::string& recording,
                             Workload workload, int tell) {
  TRIREME_CHECK(Probe().attach(recording.c_str()) == 0);
  double seconds = 0;
  RunTrial(*NewBackend(runtime).release(), {}, [&](Runtime& rt, const Params&) -> Task<> {
    const double begin = ProcessorSeconds();
    co_await workload(rt);
    seconds = ProcessorSeconds() - begin;
  });
  TRIREME_CHECK(::write(tell, &seconds, sizeof(seconds)) == sizeof(seconds));
  ::_exit(0);
}

// Processor seconds of one run.
double Measure(const std::string& runtime, const std::string& recording, Workload workload) {
  std::array<int, 2> ends{};
  TRIREME_CHECK(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) RunAndTell(runtime, recording, workload, ends[1]);
  ::close(ends[1]);
  double seconds = 0;
  TRIREME_CHECK(::read(ends[0], &seconds, sizeof(seconds)) == sizeof(seconds));
  ::close(ends[0]);
  TRIREME_CHECK(::waitpid(child, nullptr, 0) == child);
  return seconds;
}

void Coordination(benchmark::State& state, const std::string& runtime, Workload workload,
                  bool recording) {
  for (auto _ : state) {
    const TemporaryDirectory folder;
    const std::string path = JoinPath(folder.path(), "history.ring");
    MakeRecording(path, recording);
    state.SetIterationTime(Measure(runtime, path, workload) / kTimes);
  }
}

void RegisterCoordination(const std::string& runtime, const std::string& what, Workload workload) {
  for (const bool recording : {false, true})
    benchmark::RegisterBenchmark(
        (runtime + "_" + what + "_recording_" + (recording ? "on" : "off")).c_str(),
        [=](benchmark::State& state) { Coordination(state, runtime, workload, recording); })
        ->Iterations(1)
        ->UseManualTime();
}

const bool kCoordinationRegistered = [] {
  for (const char* runtime : {"fiber", "thread", "coroutine"}) {
    RegisterCoordination(runtime, "lock_unlock", LockAndUnlock);
    RegisterCoordination(runtime, "put_get", PutAndGet);
  }
  return true;
}();

}  // namespace
}  // namespace trireme
