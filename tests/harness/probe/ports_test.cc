// Sockets for which any port will do get one of those that the trial alone is given. Each program is a fork, which alone
// attaches to the recording.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"
#include "harness/engine/port_shares.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

// The port to which a socket is bound that asks for `port`; 0: it was not.
int BoundTo(int fd, int family, uint16_t port) {
  sockaddr_in6 address{};
  auto* name = reinterpret_cast<sockaddr*>(&address);
  name->sa_family = static_cast<sa_family_t>(family);
  address.sin6_port = htons(port);  // where sin_port is
  socklen_t size = family == AF_INET6 ? sizeof(address) : sizeof(sockaddr_in);
  if (::bind(fd, name, size) != 0 || ::getsockname(fd, name, &size) != 0) return 0;
  return ntohs(address.sin6_port);
}

UniqueFd Socket(int family, int type, int option = 0) {
  UniqueFd fd(::socket(family, type, 0));
  const int on = 1;
  if (option != 0) ::setsockopt(fd.get(), SOL_SOCKET, option, &on, sizeof(on));
  return fd;
}

class PortsTest : public testing::Test {
 protected:
  PortsTest() : shares_(KernelPorts::Read(), 4), share_(shares_.OfTrial(1)) {}

  // What one process of a trial with these ports does; its result is the exit code.
  int InTrial(PortRange ports, const std::function<int()>& program) {
    RecordingOptions options;
    options.ports = ports;
    options.clients = clients_;
    options.plan.connections = connections_;
    EXPECT_TRUE(CreateRecording(path_, options).ok());
    const pid_t pid = ::fork();
    if (pid == 0)
      ::_exit(trireme_probe(TRIREME_PROBE_ABI)->attach(path_.c_str()) == 0 ? program() : 99);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    ::unlink(path_.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // How many of twenty sockets that any port will do for are bound to one of `share_` that no other of them has.
  int InShare(int family, int type, int option = 0) const {
    std::vector<UniqueFd> held;
    std::set<int> ports;
    for (int i = 0; i < 20; ++i) {
      held.push_back(Socket(family, type, option));
      const int port = BoundTo(held.back().get(), family, 0);
      if (port >= share_.first && port < share_.first + share_.count && (port - share_.first) % 2 == 0)
        ports.insert(port);
    }
    return static_cast<int>(ports.size());
  }

  const PortShares shares_;
  const PortRange share_;
  PortRange clients_ = shares_.OfClients();
  uint32_t connections_ = 0;

 private:
  TemporaryDirectory folder_;
  const std::string path_ = folder_.path() + "/history.ring";
};

TEST_F(PortsTest, AreOfTheTrialsOwn) {
  ASSERT_GT(share_.count, 100);
  for (const int family : {AF_INET, AF_INET6}) {
    EXPECT_EQ(InTrial(share_, [&] { return InShare(family, SOCK_STREAM); }), 20);
    EXPECT_EQ(InTrial(share_, [&] { return InShare(family, SOCK_STREAM, SO_REUSEADDR); }), 20);
    EXPECT_EQ(InTrial(share_, [&] { return InShare(family, SOCK_DGRAM); }), 20);
  }
}

// Of a range of so many thousands, twenty do not all lie in this quarter by chance.
TEST_F(PortsTest, AreTheKernelsWithout) {
  EXPECT_LT(InTrial({}, [&] { return InShare(AF_INET, SOCK_STREAM); }), 20);
}

TEST_F(PortsTest, AreTheKernelsForThoseWhoShareOne) {
  EXPECT_LT(InTrial(share_, [&] { return InShare(AF_INET, SOCK_STREAM, SO_REUSEPORT); }), 20);
}

TEST_F(PortsTest, AreTheKernelsWhereTheirOwnAreTaken) {
  PortRange one = {share_.first, 2};
  const auto program = [&one] {
    const UniqueFd first = Socket(AF_INET, SOCK_STREAM, SO_REUSEADDR);
    const UniqueFd second = Socket(AF_INET, SOCK_STREAM, SO_REUSEADDR);
    const int own = BoundTo(first.get(), AF_INET, 0);
    const int other = BoundTo(second.get(), AF_INET, 0);
    if (own != one.first) return 1;  // another program has it
    return other != 0 && other != own ? 0 : 2;
  };
  int result = 1;
  for (; result == 1 && one.first < share_.first + share_.count; one.first += 2)
    result = InTrial(one, program);
  EXPECT_EQ(result, 0);
}

// Else one of them may be given the port to which it connects, and be connected to itself.
TEST_F(PortsTest, AreOthersForClientsThanForServers) {
  const auto program = [&] {
    const UniqueFd listener = Socket(AF_INET, SOCK_STREAM);
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<uint16_t>(BoundTo(listener.get(), AF_INET, 0)));
    ::listen(listener.get(), 64);
    int apart = 0;
    for (int i = 0; i < 20; ++i) {
      const UniqueFd client = Socket(AF_INET, SOCK_STREAM);
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&server), sizeof(server));
      sockaddr_in own{};
      socklen_t size = sizeof(own);
      ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &size);
      apart += ntohs(own.sin_port) % 2 != ntohs(server.sin_port) % 2 ? 1 : 0;
    }
    return apart;
  };
  EXPECT_EQ(InTrial(share_, program), 20);
  connections_ = 64;  // a plan follows them, and gives clients their ports itself
  EXPECT_EQ(InTrial(share_, program), 20);
  // Where the kernel's range begins with an odd one.
  const PortRange even = {static_cast<uint16_t>(share_.first + 1), share_.count};
  ++clients_.first;
  EXPECT_EQ(InTrial(even, program), 20);
}

// What it asks for by number it gets, and what it set stays set.
TEST_F(PortsTest, AreNoneOfItsBusinessWhoNamesOne) {
  const auto program = [&] {
    const uint16_t wanted = static_cast<uint16_t>(share_.first + share_.count + 1);
    const UniqueFd named = Socket(AF_INET, SOCK_STREAM, SO_REUSEADDR);
    const int got = BoundTo(named.get(), AF_INET, wanted);
    const UniqueFd any = Socket(AF_INET, SOCK_STREAM, SO_REUSEADDR);
    (void)BoundTo(any.get(), AF_INET, 0);
    int reuse = 0;
    socklen_t size = sizeof(reuse);
    ::getsockopt(any.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, &size);
    return (got == wanted || errno == EADDRINUSE ? 1 : 0) + (reuse != 0 ? 2 : 0);
  };
  EXPECT_EQ(InTrial(share_, program), 3);
}

}  // namespace
}  // namespace trireme
