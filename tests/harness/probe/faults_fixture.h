// The probe with a plan of faults on system calls, in this process.
#ifndef TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/unique_fd.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

inline const trireme_probe_api& FaultsApi() { return *trireme_probe(TRIREME_PROBE_ABI); }

// As code does that makes its system calls itself: the runtimes of the sanitizers, Go.
inline void CloseUnseen(int fd) {
  static void* const c_library = ::dlopen("libc.so.6", RTLD_LAZY);
  static auto* const close = reinterpret_cast<int (*)(int)>(::dlsym(c_library, "close"));
  EXPECT_EQ(close(fd), 0);
}

inline trireme_fault_rule Rule(trireme_fault_call call, trireme_fault_action action) {
  trireme_fault_rule rule{};
  rule.name[0] = 'f';
  rule.calls = 1u << call;
  rule.action = static_cast<uint8_t>(action);
  rule.fault = 1;
  rule.seed = 7;
  return rule;
}

inline trireme_fault_rule At(trireme_fault_rule rule, uint64_t offset) {
  rule.when = TRIREME_WHEN_AT;
  rule.at = offset;
  return rule;
}

inline trireme_fault_rule Error(trireme_fault_call call, int error) {
  trireme_fault_rule rule = Rule(call, TRIREME_DO_ERROR);
  rule.error = error;
  return rule;
}

inline trireme_fault_rule OfServer(trireme_fault_rule rule) {
  rule.sides = 2;
  return rule;
}

// What the kernel gives out itself, as the harness tells the probe.
inline PortRange PortsForClients() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 0, last = -1;
  file >> first >> last;
  return {static_cast<uint16_t>(first), static_cast<uint16_t>(last - first + 1)};
}

class FaultsFixture : public testing::Test {
 protected:
  void TearDown() override {
    Begin({});
    FaultsApi().set_task(0);
  }

  void Begin(const std::vector<trireme_fault_rule>& rules, uint32_t flags = 0) {
    ::unlink(path_.c_str());
    RecordingOptions options;
    options.begin_time = ++begins_;  // each has its clients at other ports
    options.clients = clients_;
    options.plan.rules = rules;
    options.plan.connections = 64;
    options.plan.block.flags = flags;
    for (const trireme_fault_rule& rule : rules) options.plan.block.calls |= rule.calls;
    ASSERT_TRUE(CreateRecording(path_, options).ok());
    ASSERT_EQ(FaultsApi().attach(path_.c_str()), 0);
    StartTask(1, "1", "main");
  }
  static void StartTask(uint32_t task, const std::string& path, const std::string& name) {
    FaultsApi().record_for(task, TRIREME_TASK_START, 0, path.data(),
                           static_cast<uint32_t>(path.size()), TRIREME_TEXT, name.data(),
                           static_cast<uint32_t>(name.size()));
    FaultsApi().set_task(task);
  }

  // "recv 1#0 server read 10 {...}" of each FAULT event.
  std::vector<std::string> Faults() {
    std::vector<std::string> faults;
    for (const Json& fault : Values(EventKind::kFault))
      faults.push_back(GetString(fault, "call") + " " + GetString(fault, "connection") + " " +
                       GetString(fault, "side") + " " + GetString(fault, "direction") + " " +
                       std::to_string(GetInt(fault, "offset")) + " " +
                       DumpJson(GetMember(fault, "do")));
    return faults;
  }
  std::vector<std::string> Warnings() {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    std::vector<std::string> warnings;
    for (const Event& event : history->events())
      if (event.kind == EventKind::kWarning) warnings.push_back(event.Value().get<std::string>());
    return warnings;
  }
  std::vector<Json> Values(EventKind kind) {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    std::vector<Json> values;
    for (const Event& event : history->events())
      if (event.kind == kind) values.push_back(event.Value());
    return values;
  }

  PortRange clients_ = PortsForClients();
  const std::string path_ = testing::TempDir() + "faults." + std::to_string(::getpid());

 private:
  static inline int64_t begins_ = 0;
};

// On a port of the loopback.
struct Listening {
  Listening() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  }
  // 0 or the errno.
  int ConnectWith(const UniqueFd& client) const {
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(client.get(), to, sizeof(address)) == 0 ? 0 : errno;
  }
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
};

struct Ends {
  UniqueFd client, server;
};

class SocketFaultsFixture : public FaultsFixture {
 protected:
  static Ends Connect(int extra = 0) {
    const Listening listening;
    Ends ends;
    ends.client.Reset(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(listening.ConnectWith(ends.client), 0);
    ends.server.Reset(::accept4(listening.fd.get(), nullptr, nullptr, extra));
    const int one = 1;
    ::setsockopt(ends.client.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return ends;
  }
  static std::string Receive(int fd, size_t size, int flags = 0) {
    std::string bytes(size, '\0');
    const ssize_t got = ::recv(fd, bytes.data(), size, flags);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return got < 0 ? "error " + std::to_string(errno) : bytes;
  }
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_
