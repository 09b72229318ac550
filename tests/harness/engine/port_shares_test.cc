#include "harness/engine/port_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace trireme {
namespace {

using testing::ElementsAre;

// A range that no test running meanwhile has.
KernelPorts PortsOfTest(const std::string& reserved = "") {
  const int first = 20000 + static_cast<int>(::getpid() % 1000);
  return *KernelPorts::Parse(std::to_string(first) + "\t" + std::to_string(first + 15999) + "\n",
                             reserved);
}

void Add(const PortRange& range, std::multiset<int>* ports) {
  for (int i = 0; i < range.count / 2; ++i) ports->insert(range.first + 2 * i);
}

// Those of the servers of all slots, of the proxies' listeners, and of clients.
std::multiset<int> PortsOf(const PortShares& shares, size_t slots) {
  std::multiset<int> ports;
  for (size_t slot = 0; slot < slots; ++slot) {
    EXPECT_GT(shares.OfTrial(slot).count, 0) << slot;
    Add(shares.OfTrial(slot), &ports);
  }
  Add(shares.OfProxies(), &ports);
  return ports;
}

size_t Different(const std::multiset<int>& ports) {
  return std::set<int>(ports.begin(), ports.end()).size();
}

TEST(PortSharesTest, GivesNoTwoTheSamePort) {
  const KernelPorts kernel = PortsOfTest();
  const PortShares shares(kernel, 8);
  std::multiset<int> ports = PortsOf(shares, 8);
  Add(shares.OfClients(), &ports);
  EXPECT_EQ(Different(ports), ports.size());
  EXPECT_GE(*ports.begin(), kernel.range.first);
  EXPECT_LE(*ports.rbegin(), kernel.range.last);
  EXPECT_GT(shares.OfProxies().count, 100);
}

TEST(PortSharesTest, GivesNoTwoRunsTheSamePort) {
  const KernelPorts kernel = PortsOfTest();
  const PortShares one(kernel, 2), two(kernel, 3), three(kernel, 1), four(kernel, 2);
  std::multiset<int> ports;
  for (const auto& [shares, slots] :
       {std::pair(&one, 2), std::pair(&two, 3), std::pair(&three, 1), std::pair(&four, 2)})
    ports.merge(PortsOf(*shares, static_cast<size_t>(slots)));
  EXPECT_EQ(Different(ports), ports.size());
}

TEST(PortSharesTest, SaysWhenNoneAreLeftAndTakesThemWhenTheyAreFreeAgain) {
  const KernelPorts kernel = PortsOfTest();
  const PortShares first(kernel, 1);
  {
    std::vector<std::unique_ptr<PortShares>> runs;
    do runs.push_back(std::make_unique<PortShares>(kernel, 1));
    while (!runs.back()->none_left() && runs.size() < 100);
    EXPECT_GT(runs.size(), 4U);
    EXPECT_TRUE(runs.back()->none_left());
    EXPECT_EQ(runs.back()->OfTrial(0).count, 0);
    EXPECT_GT(runs.back()->OfClients().count, 0);
  }
  const PortShares last(kernel, 1);
  EXPECT_FALSE(last.none_left());
  EXPECT_GT(last.OfTrial(0).count, 0);
}

TEST(PortSharesTest, LeavesOutWhatIsReserved) {
  const KernelPorts plain = PortsOfTest();
  const int hole = plain.range.first + 500;
  const KernelPorts kernel = PortsOfTest("7,8080-8090," + std::to_string(hole) + "-" +
                                         std::to_string(hole + 99));
  const PortShares shares(kernel, 4);
  std::multiset<int> ports = PortsOf(shares, 4);
  Add(shares.OfClients(), &ports);
  for (int port = hole; port < hole + 100; ++port) EXPECT_EQ(ports.count(port), 0U) << port;
  EXPECT_EQ(Different(ports), ports.size());
}

TEST(PortSharesTest, GivesServersTheHalfThatTheKernelGivesThem) {
  const KernelPorts kernel = PortsOfTest();
  const PortShares shares(kernel, 3);
  EXPECT_EQ(shares.OfClients().first % 2, kernel.range.first % 2);
  for (size_t slot = 0; slot < 3; ++slot)
    EXPECT_NE(shares.OfTrial(slot).first % 2, kernel.range.first % 2);
  EXPECT_NE(shares.OfProxies().first % 2, kernel.range.first % 2);
}

TEST(PortSharesTest, GivesNoneWhereThereAreTooFew) {
  EXPECT_EQ(PortShares(PortsOfTest(), 10'000).OfTrial(0).count, 0);
  EXPECT_FALSE(PortShares(PortsOfTest(), 10'000).none_left());
  EXPECT_EQ(PortShares(std::nullopt, 1).OfTrial(0).count, 0);
  const PortShares few(KernelPorts::Parse("65535 65535", ""), 1);
  EXPECT_EQ(few.OfTrial(0).count, 0);
  EXPECT_EQ(few.OfProxies().count, 0);
  EXPECT_EQ(few.OfClients().first, 65535);
  EXPECT_EQ(few.OfClients().count, 2);
}

TEST(PortSharesTest, TakesMoreThanAThirdWhereThatIsTooFewForItsTrials) {
  const int first = 1024 + static_cast<int>(::getpid() % 1000);
  const auto kernel =
      KernelPorts::Parse(std::to_string(first) + "\t" + std::to_string(first + 400), "");
  const PortShares shares(kernel, 8);
  const std::multiset<int> ports = PortsOf(shares, 8);
  EXPECT_EQ(Different(ports), ports.size());
}

TEST(PortSharesTest, StaysWithinRangesAtTheEdge) {
  for (const char* range : {"1 65535", "65000 65535", "1025 1536", "30001 30801"}) {
    const std::optional<KernelPorts> kernel = KernelPorts::Parse(range, "");
    ASSERT_TRUE(kernel) << range;
    const PortShares shares(kernel, 1);
    std::multiset<int> ports = PortsOf(shares, 1);
    Add(shares.OfClients(), &ports);
    EXPECT_EQ(Different(ports), ports.size()) << range;
    EXPECT_GE(*ports.begin(), kernel->range.first) << range;
    EXPECT_LE(*ports.rbegin(), kernel->range.last) << range;
  }
}

TEST(KernelPortsTest, ReadsWhatTheKernelWrites) {
  const std::optional<KernelPorts> ports = KernelPorts::Parse("32768\t60999\n", "8080,9148-9150\n");
  ASSERT_TRUE(ports);
  EXPECT_EQ(ports->range, (PortInterval{32768, 60999}));
  EXPECT_THAT(ports->reserved, ElementsAre(PortInterval{8080, 8080}, PortInterval{9148, 9150}));
  EXPECT_TRUE(KernelPorts::Parse("1 1", "\n")->reserved.empty());
}

TEST(KernelPortsTest, TakesNothingElse) {
  for (const char* range : {"", "32768", "0 5", "9 8", "1 65536", "a b"})
    EXPECT_FALSE(KernelPorts::Parse(range, "")) << range;
}

}  // namespace
}  // namespace trireme
