// What the probe adds to a call that sends or receives: 100 bytes over TCP on loopback, and one task switch told to it
// where switches are not recorded, as `trireme watch` has it. The arms take turns in one process: this program calls
// the probe's functions, as every program does that is linked with it, and asks the C library for its own.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "harness/fault/compile.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

constexpr int kMessage = 100;
constexpr int kCalls = 100;    // a block: what a socket's buffer holds
constexpr int kBlocks = 2000;  // of each arm, an iteration

// Asked for once, as the C++ runtimes do.
const trireme_probe_api* const probe = trireme_probe(TRIREME_PROBE_ABI);
const trireme_probe_api& Probe() { return *probe; }

class Recorded {
 public:
  explicit Recorded(const RecordingOptions& options) {
    TRIREME_CHECK(CreateRecording(path_, options).ok());
    TRIREME_CHECK(Probe().attach(path_.c_str()) == 0);
  }

 private:
  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
};

const RecordingOptions kWatched{.left_out = {EventKind::kSwitch, EventKind::kTaskEnd}};

struct Arm {
  ssize_t (*send)(int, const void*, size_t, int);
  ssize_t (*recv)(int, void*, size_t, int);
};

template <typename Function>
Function* OfTheCLibrary(const char* name) {
  void* library = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  TRIREME_CHECK(library != nullptr);
  void* found = ::dlsym(library, name);
  TRIREME_CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

// Two ends of a TCP connection on loopback.
class Connection {
 public:
  Connection() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    TRIREME_CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    TRIREME_CHECK(::listen(listener, 1) == 0);
    TRIREME_CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    near_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TRIREME_CHECK(::connect(near_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    const int on = 1;
    ::setsockopt(near_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    far_ = ::accept(listener, nullptr, nullptr);
    TRIREME_CHECK(far_ >= 0);
    ::close(listener);
  }
  ~Connection() {
    ::close(near_);
    ::close(far_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(const Arm& arm) {
    for (int i = 0; i < kCalls; ++i)
      TRIREME_CHECK(arm.send(near_, data_.data(), data_.size(), 0) == kMessage);
  }
  void Receive(const Arm& arm) {
    for (int i = 0; i < kCalls; ++i)
      TRIREME_CHECK(arm.recv(far_, data_.data(), data_.size(), 0) == kMessage);
  }

 private:
  int near_ = -1;
  int far_ = -1;
  std::array<char, kMessage> data_{};
};

double Seconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Quantile(std::vector<double>& values, double part) {
  const auto place =
      values.begin() + static_cast<ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

using Block = std::function<double(const Arm& arm)>;

// One block of each arm, in random order: how many times as long the probe's takes.
double ComparePair(const std::array<Arm, 2>& arms, std::mt19937& random, const Block& block) {
  std::array<double, 2> seconds{};
  const size_t first = random() % 2;
  seconds[first] = block(arms[first]);
  seconds[1 - first] = block(arms[1 - first]);
  return seconds[0] / seconds[1];
}

void Compare(benchmark::State& state, const std::string& call, const Block& block) {
  const std::array<Arm, 2> arms = {
      Arm{::send, ::recv},
      Arm{OfTheCLibrary<decltype(::send)>("send"), OfTheCLibrary<decltype(::recv)>("recv")}};
  TRIREME_CHECK(arms[0].send != arms[1].send && arms[0].recv != arms[1].recv);
  std::mt19937 random(3);
  std::vector<double> ratios;
  for (auto _ : state)
    for (int i = 0; i < kBlocks; ++i) ratios.push_back(ComparePair(arms, random, block));
  state.counters["ratio"] = Quantile(ratios, 0.5);
  state.counters["ratio_low"] = Quantile(ratios, 0.25);
  state.counters["ratio_high"] = Quantile(ratios, 0.75);
  state.SetLabel(call + " of 100 bytes on loopback with the probe against without, C++ | <= +3 %");
}

void Send(benchmark::State& state) {
  const Recorded recorded(kWatched);
  Connection connection;
  Compare(state, "send", [&](const Arm& arm) {
    const double seconds = Seconds([&] { connection.Send(arm); });
    connection.Receive(arm);
    return seconds;
  });
}
BENCHMARK(Send)->Iterations(1);

void Receive(benchmark::State& state) {
  const Recorded recorded(kWatched);
  Connection connection;
  Compare(state, "recv", [&](const Arm& arm) {
    connection.Send(arm);
    return Seconds([&] { connection.Receive(arm); });
  });
}
BENCHMARK(Receive)->Iterations(1);

// A program of its own with its own plan of faults, which moves a block of pairs whenever it is asked to and says how long
// that took. Ends with this one.
class Program {
 public:
  explicit Program(const FaultPlan& plan) {
    TRIREME_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    child_ = ::fork();
    TRIREME_CHECK(child_ >= 0);
    if (child_ == 0) Serve(plan);
    ::close(ends_[1]);
  }
  ~Program() {
    ::close(ends_[0]);
    ::waitpid(child_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  double MoveBlock() {
    double seconds = 0;
    TRIREME_CHECK(::write(ends_[0], "", 1) == 1);
    TRIREME_CHECK(::read(ends_[0], &seconds, sizeof(seconds)) == sizeof(seconds));
    return seconds;
  }

 private:
  [[noreturn]] void Serve(const FaultPlan& plan) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends_[0]);
    Result<CompiledPlan> compiled = CompilePlan(plan, /*trial_seed=*/3);
    TRIREME_CHECK(compiled.ok());
    RecordingOptions options = kWatched;
    options.plan = *std::move(compiled);
    const Recorded recorded(options);
    Connection connection;
    const Arm arm{::send, ::recv};
    char asked = 0;
    while (::read(ends_[1], &asked, 1) == 1) {
      const double seconds = Seconds([&] {
        connection.Send(arm);
        connection.Receive(arm);
      });
      TRIREME_CHECK(::write(ends_[1], &seconds, sizeof(seconds)) == sizeof(seconds));
    }
    ::_exit(0);
  }

  std::array<int, 2> ends_{-1, -1};
  pid_t child_ = -1;
};

// Has a rule for each of the calls, which none of them ever comes to.
FaultPlan PlanOfNothingDue() {
  constexpr int64_t kFar = int64_t{1} << 50;
  FaultPlan plan;
  plan.name = "far";
  for (const char* call : {"send", "recv"})
    plan.faults.push_back({.name = std::string("far-") + call,
                           .seed = {},
                           .key = "do",
                           .members = {{"reset", true}},
                           .at = {{"call", call}, {"offset", kFar}}});
  return plan;
}

void PlanActive(benchmark::State& state) {
  std::array<Program, 2> programs{Program(PlanOfNothingDue()), Program(FaultPlan())};
  std::mt19937 random(3);
  std::vector<double> ratios;
  for (auto _ : state) {
    for (int i = 0; i < kBlocks; ++i) {
      std::array<double, 2> seconds{};
      const size_t first = random() % 2;
      seconds[first] = programs[first].MoveBlock();
      seconds[1 - first] = programs[1 - first].MoveBlock();
      ratios.push_back(seconds[0] / seconds[1]);
    }
  }
  state.counters["ratio"] = Quantile(ratios, 0.5);
  state.counters["ratio_low"] = Quantile(ratios, 0.25);
  state.counters["ratio_high"] = Quantile(ratios, 0.75);
  state.SetLabel(
      "send and recv of 100 bytes with a plan of faults, nothing due, against no plan, C++ | <= +5 "
      "%");
}
BENCHMARK(PlanActive)->Iterations(1);

void SwitchNotRecorded(benchmark::State& state) {
  const Recorded recorded(kWatched);
  uint32_t task = 0;
  for (auto _ : state) Probe().set_task(task = task % 64 + 1);
  Probe().set_task(0);
  state.SetLabel("one task switch told to the probe from C++ | <= 20 ns");
}
BENCHMARK(SwitchNotRecorded);

}  // namespace
}  // namespace trireme
