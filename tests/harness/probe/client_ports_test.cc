// A client that is followed sees of its socket what it sees otherwise, but for the number of the port, and its other end finds it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::Each;
using testing::Not;
using testing::StartsWith;

constexpr int kLocalPortRange = 51;  // IP_LOCAL_PORT_RANGE

// An address of the loopback, or of nobody.
struct Address {
  Address(int family, const char* host, int port) {
    auto* four = reinterpret_cast<sockaddr_in*>(&storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
    storage.ss_family = static_cast<sa_family_t>(family);
    ::inet_pton(family, host,
                family == AF_INET ? static_cast<void*>(&four->sin_addr) : &six->sin6_addr);
    four->sin_port = htons(static_cast<uint16_t>(port));  // where sin6_port is
    size = family == AF_INET ? sizeof(*four) : sizeof(*six);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

sockaddr_storage NameOf(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size), 0);
  return name;
}

int PortOf(int fd) {
  const sockaddr_storage name = NameOf(fd);
  return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

std::string Said(int result) { return result == 0 ? "0" : ::strerrorname_np(errno); }

// What a program can ask of its socket, without the number of the port.
std::string Look(int fd) {
  sockaddr_storage name = NameOf(fd);
  auto& port = reinterpret_cast<sockaddr_in&>(name).sin_port;
  std::string text = port == 0 ? " unbound" : " bound";
  port = 0;
  char host[INET6_ADDRSTRLEN] = "";
  const void* address = name.ss_family == AF_INET
                            ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(name).sin_addr)
                            : &reinterpret_cast<sockaddr_in6&>(name).sin6_addr;
  text += std::string("@") + ::inet_ntop(name.ss_family, address, host, sizeof(host));
  int reuse = -1;
  uint32_t range = 0;
  socklen_t size = sizeof(reuse);
  ::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &size);
  ::getsockopt(fd, IPPROTO_IP, kLocalPortRange, &range, &size);
  return text + " reuse " + std::to_string(reuse) + " range " + std::to_string(range);
}

// One program's sockets, and what it saw of them.
class Program {
 public:
  explicit Program(int family, const char* host, int server_family = 0)
      : family_(family), host_(host) {
    const int served = server_family == 0 ? family : server_family;
    listener_.Reset(::socket(served, SOCK_STREAM, 0));
    const Address any(served, served == AF_INET ? "127.0.0.1" : "::1", 0);
    EXPECT_EQ(::bind(listener_.get(), any.get(), any.size), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    refusing_.Reset(::socket(served, SOCK_STREAM, 0));  // bound, and does not listen
    EXPECT_EQ(::bind(refusing_.get(), any.get(), any.size), 0);
    client.Reset(::socket(family, SOCK_STREAM, 0));
  }

  void See(const std::string& what) { seen += what + Look(client.get()) + "\n"; }
  void Connect() {
    See("connect " + Said(ConnectTo(listener_.get())));
    accepted_.emplace_back(::accept(listener_.get(), nullptr, nullptr));
    EXPECT_TRUE(accepted_.back().valid());
  }
  void BeRefused() { See("refused " + Said(ConnectTo(refusing_.get()))); }
  // In progress, and then how it ended.
  void ConnectWithoutBlocking(bool refused) {
    ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
    const int fd = refused ? refusing_.get() : listener_.get();
    See("begun " + Said(ConnectTo(fd)));
    pollfd polled{.fd = client.get(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&polled, 1, 10'000), 1);
    int error = -1;
    socklen_t size = sizeof(error);
    ::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    See("so-error " + std::to_string(error));
    See("again " + Said(ConnectTo(fd)));
    if (!refused) accepted_.emplace_back(::accept(listener_.get(), nullptr, nullptr));
  }
  void Bind(int port = 0) {
    const Address any(family_, host_, port);
    See("bind " + Said(::bind(client.get(), any.get(), any.size)));
  }
  void Dissolve() {
    const sockaddr_storage nobody{};  // AF_UNSPEC
    See("dissolve " + Said(::connect(client.get(), reinterpret_cast<const sockaddr*>(&nobody),
                                     sizeof(sockaddr_in))));
  }
  int ConnectTo(int server) const {
    const Address to(family_, host_, PortOf(server));
    return ::connect(client.get(), to.get(), to.size);
  }
  int family() const { return family_; }

  UniqueFd client;
  std::string seen;

 private:
  const int family_;
  const char* const host_;
  UniqueFd listener_, refusing_;
  std::vector<UniqueFd> accepted_;
};

struct Case {
  const char* name;
  std::function<void(Program&)> run;
  // How many connections it begins.
  int connections;
};

void SetOption(const Program& program, int level, int option, int value) {
  EXPECT_EQ(::setsockopt(program.client.get(), level, option, &value, sizeof(value)), 0);
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"plain",
       [](Program& p) {
         p.See("new");
         p.Connect();
       },
       1},
      {"reuse",
       [](Program& p) {
         SetOption(p, SOL_SOCKET, SO_REUSEADDR, 1);
         p.Connect();
       },
       1},
      {"refused, then bound",
       [](Program& p) {
         p.BeRefused();
         p.Bind();
       },
       1},
      {"refused, then accepted",
       [](Program& p) {
         p.BeRefused();
         p.BeRefused();
         p.Connect();
       },
       3},
      {"bound, refused, bound, accepted",
       [](Program& p) {
         p.Bind();
         p.BeRefused();
         p.Bind();
         p.Connect();
       },
       2},
      {"bound late",
       [](Program& p) {
         SetOption(p, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
         p.Bind();
         p.Connect();
       },
       1},
      {"without blocking",
       [](Program& p) { p.ConnectWithoutBlocking(/*refused=*/false); }, 1},
      {"refused without blocking, then accepted",
       [](Program& p) {
         p.ConnectWithoutBlocking(/*refused=*/true);
         ::fcntl(p.client.get(), F_SETFL, 0);
         p.Connect();
       },
       2},
      {"dissolved, then accepted",
       [](Program& p) {
         p.Connect();
         p.Dissolve();
         p.Connect();
       },
       2},
      {"to itself",
       [](Program& p) {
         p.Bind();
         p.See("itself " + Said(p.ConnectTo(p.client.get())));
       },
       1},
      {"of wishes",
       [](Program& p) {
         const PortRange kernel = PortsForClients();
         const uint32_t low = kernel.first + 1000U;
         SetOption(p, IPPROTO_IP, kLocalPortRange, static_cast<int>((low + 999) << 16 | low));
         p.Connect();
         const uint32_t port = static_cast<uint32_t>(PortOf(p.client.get()));
         p.See(port >= low && port < low + 1000 ? "wished" : "other");
       },
       1},
  };
  return cases;
}

class ClientPortsTest : public FaultsFixture {
 protected:
  void SetUp() override {
    uint32_t range = 0;
    socklen_t size = sizeof(range);
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    if (::getsockopt(fd.get(), IPPROTO_IP, kLocalPortRange, &range, &size) != 0)
      GTEST_SKIP() << "a kernel before 6.3 leaves a socket bound after a refused connect";
  }
  // Of each connection that was opened, its id.
  std::vector<std::string> Opened() {
    std::vector<std::string> ids;
    for (const Json& value : Values(EventKind::kConnection))
      if (GetMember(value, "kind") == "tcp")
        ids.push_back(GetString(value, "connection") + " " + GetString(value, "side"));
    return ids;
  }
};

struct Hosts {
  int family;
  const char* host;
  int server_family;
};
constexpr Hosts kHosts[] = {{AF_INET, "127.0.0.1", AF_INET},
                            {AF_INET6, "::1", AF_INET6},
                            {AF_INET6, "::ffff:127.0.0.1", AF_INET}};

TEST_F(ClientPortsTest, LeaveTheSocketAsItIs) {
  for (const Hosts& hosts : kHosts) {
    for (const Case& each : Cases()) {
      ::unlink(path_.c_str());
      ASSERT_TRUE(CreateRecording(path_, {}).ok());
      ASSERT_EQ(FaultsApi().attach(path_.c_str()), 0);
      Program alone(hosts.family, hosts.host, hosts.server_family);
      each.run(alone);
      Begin({});
      Program followed(hosts.family, hosts.host, hosts.server_family);
      each.run(followed);
      EXPECT_EQ(followed.seen, alone.seen) << each.name << " " << hosts.host;
    }
  }
}

TEST_F(ClientPortsTest, AreFoundByTheOtherEnd) {
  for (const Hosts& hosts : kHosts) {
    for (const Case& each : Cases()) {
      Begin({});
      Program program(hosts.family, hosts.host, hosts.server_family);
      each.run(program);
      const std::vector<std::string> opened = Opened();
      EXPECT_THAT(opened, Each(Not(StartsWith("outside"))))
          << each.name << " " << hosts.host << "\n" << program.seen;
      EXPECT_EQ(std::count_if(opened.begin(), opened.end(),
                              [](const std::string& id) { return id.ends_with("client"); }),
                each.connections)
          << each.name;
    }
  }
}

// Whoever has them may have them all: then the kernel chooses, and the other end finds it all the same.
TEST_F(ClientPortsTest, AreTheKernelsWhereTheirOwnAreTaken) {
  clients_ = {static_cast<uint16_t>(clients_.first + 200), 8};
  std::vector<UniqueFd> held;
  for (int i = 0; i < 8; i += 2) {
    held.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
    const Address address(AF_INET, "127.0.0.1", clients_.first + i);
    (void)::bind(held.back().get(), address.get(), address.size);  // another one may have it
  }
  Begin({});
  Program program(AF_INET, "127.0.0.1");
  program.Connect();
  EXPECT_THAT(program.seen, StartsWith("connect 0 bound@127.0.0.1 reuse 0 range 0"));
  EXPECT_THAT(Opened(), testing::ElementsAre("1#0 client", "1#0 server"));
}

// A trial may have more clients, one after the other, than there are ports: those of the first are free again.
TEST_F(ClientPortsTest, AreGivenAgain) {
  clients_ = {static_cast<uint16_t>(clients_.first + 400), 4};
  Begin({});
  for (int i = 0; i < 6; ++i) {
    Program program(AF_INET, "127.0.0.1");
    program.Connect();
    const int port = PortOf(program.client.get());
    EXPECT_TRUE(port == clients_.first || port == clients_.first + 2) << port;
  }
}

// One of the first is still connected when its port's turn comes again: it stays the connection that it is.
TEST_F(ClientPortsTest, LeaveAloneAConnectionThatHasTheirs) {
  clients_ = {static_cast<uint16_t>(clients_.first + 600), 4};
  trireme_fault_rule cut = At(Rule(TRIREME_CALL_SEND, TRIREME_DO_SHORT), 3);
  cut.amount = 1;
  Begin({cut});
  const Listening to;
  struct Connected {
    UniqueFd client{::socket(AF_INET, SOCK_STREAM, 0)};
    UniqueFd server;
  };
  std::vector<Connected> all(6);
  for (Connected& one : all) {
    ASSERT_EQ(to.ConnectWith(one.client), 0);
    one.server.Reset(::accept(to.fd.get(), nullptr, nullptr));
    ASSERT_TRUE(one.server.valid());
  }
  std::vector<std::string> expected;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string id = "1#" + std::to_string(i);
    for (const char* side : {"client", "server"}) {
      const int fd = (side[0] == 'c' ? all[i].client : all[i].server).get();
      EXPECT_EQ(::send(fd, "whole", 5, 0), 3);
      EXPECT_EQ(::send(fd, "le", 2, 0), 1);
      expected.push_back("send " + id + " " + side + " write 3 {\"short\":1}");
    }
  }
  EXPECT_EQ(Faults(), expected);
  EXPECT_THAT(Opened(), Each(Not(StartsWith("outside"))));
}

// IPv6 may be switched off: nothing is bound in vain.
TEST_F(ClientPortsTest, AreNotSoughtWhereThereIsNoWay) {
  Begin({});
  constexpr int kNotAllowed = 7;
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(kNotAllowed);
    const UniqueFd client(::socket(AF_INET6, SOCK_STREAM, 0));
    const Address nowhere(AF_INET6, "::1", 9);  // the new loopback is down
    const bool refused = ::connect(client.get(), nowhere.get(), nowhere.size) != 0;
    const bool no_way = refused && errno == EADDRNOTAVAIL;
    ::_exit(no_way && Look(client.get()).starts_with(" unbound") ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  if (WEXITSTATUS(status) == kNotAllowed) GTEST_SKIP() << "no network namespace of its own here";
  EXPECT_EQ(status, 0);
}

// From now on this process's kernel is older than 6.3. Past the probe, which gives up recording who locks itself in.
void ForgetPortRanges() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setsockopt, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getsockopt, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IP, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kLocalPortRange, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  static void* const c_library = ::dlopen("libc.so.6", RTLD_LAZY);
  static auto* const call = reinterpret_cast<long (*)(long, ...)>(::dlsym(c_library, "syscall"));
  ASSERT_EQ(call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

TEST_F(ClientPortsTest, AreFoundOnAnOlderKernel) {
  Begin({});
  const pid_t pid = ::fork();
  if (pid == 0) {
    ForgetPortRanges();
    Program program(AF_INET, "127.0.0.1");
    SetOption(program, SOL_SOCKET, SO_REUSEADDR, 1);
    program.BeRefused();
    program.Connect();
    ::_exit(program.seen.ends_with("connect 0 bound@127.0.0.1 reuse 1 range 0\n") ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(Opened(), Each(Not(StartsWith("outside"))));
  EXPECT_EQ(Opened().size(), 3U);
}

TEST_F(ClientPortsTest, OfDatagramsAreTheKernels) {
  Begin({});
  const UniqueFd server(::socket(AF_INET, SOCK_DGRAM, 0)), client(::socket(AF_INET, SOCK_DGRAM, 0));
  const Address any(AF_INET, "127.0.0.1", 0);
  ASSERT_EQ(::bind(server.get(), any.get(), any.size), 0);
  const Address to(AF_INET, "127.0.0.1", PortOf(server.get()));
  EXPECT_EQ(::connect(client.get(), to.get(), to.size), 0);
  EXPECT_EQ(Look(client.get()), " bound@127.0.0.1 reuse 0 range 0");
}

}  // namespace
}  // namespace trireme
