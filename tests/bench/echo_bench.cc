// Echo over 64 connections, a message under way on each: the C++ runtimes against servers written
// by hand, with recording off and on. The server is a process of its own, the clients are this
// one's epoll loop.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "runners/native/native.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"
#include "tests/bench/echo_servers.h"
#include "tests/bench/recording_file.h"

namespace trireme {
namespace {

constexpr int kConnections = 64;
constexpr int kMessage = 64;
constexpr int kRounds = 2000;  // of all connections, an iteration

Task<> EchoConnection(Stream stream) {
  for (std::string data; !(data = co_await stream.Recv(kEchoBuffer)).empty();)
    co_await stream.SendAll(data);
}

// The port is told through a pipe: a runtime makes its own listener.
Task<> EchoServer(Runtime& rt, int tell) {
  Listener listener = co_await rt.Listen();
  const int port = listener.address().port();
  TRIREME_CHECK(::write(tell, &port, sizeof(port)) == sizeof(port));
  for (;;) {
    Stream stream = co_await listener.Accept();
    rt.Spawn("connection", EchoConnection, std::move(stream)).Detach();
  }
}

[[noreturn]] void ServeByRuntime(const std::string& runtime, const std::string& recording,
                                 int tell) {
  TRIREME_CHECK(Probe().attach(recording.c_str()) == 0);
  RunTrial(*NewBackend(runtime).release(), {},
           [tell](Runtime& rt, const Params&) { return EchoServer(rt, tell); });
  ::_exit(1);
}

[[noreturn]] void ServeByHand(void (*serve)(int), int tell) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  TRIREME_CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  TRIREME_CHECK(::listen(listener, SOMAXCONN) == 0);
  TRIREME_CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const int port = ntohs(address.sin_port);
  TRIREME_CHECK(::write(tell, &port, sizeof(port)) == sizeof(port));
  serve(listener);
  ::_exit(1);
}

// A server that lives as long as this.
class ServerProcess {
 public:
  explicit ServerProcess(const std::function<void(int tell)>& serve) {
    std::array<int, 2> ends{};
    TRIREME_CHECK(::pipe(ends.data()) == 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      serve(ends[1]);
    }
    ::close(ends[1]);
    TRIREME_CHECK(::read(ends[0], &port_, sizeof(port_)) == sizeof(port_));
    ::close(ends[0]);
  }
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  int port() const { return port_; }

 private:
  pid_t process_ = -1;
  int port_ = 0;
};

class Clients {
 public:
  explicit Clients(int port) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (int& fd : connections_) {
      fd = Connect(port);
      epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
      TRIREME_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
    }
  }
  ~Clients() {
    for (const int fd : connections_) ::close(fd);
    ::close(epoll_);
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // As many round trips as that, one under way on each connection.
  void Run(int count) {
    int begun = 0;
    for (const int fd : connections_) begun += Send(fd);
    for (int ended = 0; ended < begun;) {
      std::array<epoll_event, kConnections> events;
      const int ready = ::epoll_wait(epoll_, events.data(), kConnections, -1);
      for (int i = 0; i < ready; ++i, ++ended) {
        const int fd = events.at(static_cast<size_t>(i)).data.fd;
        std::array<char, kMessage> answer;
        TRIREME_CHECK(::recv(fd, answer.data(), answer.size(), MSG_WAITALL) == kMessage);
        if (begun < count) begun += Send(fd);
      }
    }
  }

 private:
  static int Connect(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    TRIREME_CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
  }
  static int Send(int fd) {
    const std::array<char, kMessage> message{};
    TRIREME_CHECK(::send(fd, message.data(), message.size(), MSG_NOSIGNAL) == kMessage);
    return 1;
  }

  int epoll_;
  std::array<int, kConnections> connections_{};
};

void Measure(benchmark::State& state, int port) {
  Clients clients(port);
  clients.Run(kConnections * 10);
  for (auto _ : state) clients.Run(kConnections * kRounds);
  state.SetItemsProcessed(state.iterations() * kConnections * kRounds);
}

void Runtime(benchmark::State& state, const std::string& runtime, bool recording,
             const std::string& label) {
  const TemporaryDirectory folder;
  const std::string path = JoinPath(folder.path(), "history.ring");
  MakeRecording(path, recording);
  const ServerProcess server([&](int tell) { ServeByRuntime(runtime, path, tell); });
  Measure(state, server.port());
  state.SetLabel(label);
}

void ByHand(benchmark::State& state, void (*serve)(int)) {
  const ServerProcess server([&](int tell) { ServeByHand(serve, tell); });
  Measure(state, server.port());
}

struct Arm {
  const char* runtime;
  const char* what;
  const char* by_hand;
  void (*serve)(int);
};

constexpr Arm kArms[] = {
    {"fiber", "fiber against a hand-written epoll loop", "EpollLoop", ServeByEpollLoop},
    {"coroutine", "coroutine against a hand-written Asio echo", "AsioEcho", ServeByAsio},
    {"thread", "thread against plain blocking sockets", "BlockingSockets", ServeByThreads},
};

void Register(const Arm& arm, bool recording) {
  const std::string on = recording ? "on" : "off";
  const std::string label = "echo, 64 connections, recording " + on + ": " + arm.what + " | " +
                            (recording ? ">= 0.85x" : ">= 0.90x") + " | " + arm.by_hand +
                            "/iterations:1/real_time";
  benchmark::RegisterBenchmark((std::string(arm.runtime) + "_recording_" + on).c_str(),
                               [&arm, recording, label](benchmark::State& state) {
                                 Runtime(state, arm.runtime, recording, label);
                               })
      ->Iterations(1)
      ->UseRealTime();
}

const bool kRegistered = [] {
  for (const Arm& arm : kArms) {
    Register(arm, false);
    Register(arm, true);
    benchmark::RegisterBenchmark(arm.by_hand,
                                 [&arm](benchmark::State& state) { ByHand(state, arm.serve); })
        ->Iterations(1)
        ->UseRealTime();
  }
  return true;
}();

}  // namespace
}  // namespace trireme
