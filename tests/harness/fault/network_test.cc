#include "harness/fault/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::Field;

Fault NetworkFaultOf(const char* members) {
  Fault fault{.name = "slow", .key = "network"};
  fault.members = *ParseJson(members, "members");
  return fault;
}

NetworkFault Read(const char* members) { return *ReadNetworkFault(NetworkFaultOf(members)); }

std::string ErrorOf(const char* members) {
  const Result<NetworkFault> network = ReadNetworkFault(NetworkFaultOf(members));
  if (network.ok()) return "";
  EXPECT_EQ(network.error().kind, ErrorKind::kUsage);
  return network.error().message;
}

TEST(NetworkFault, ReadsEachField) {
  const NetworkFault network = Read(
      R"({"latency": 50000000, "jitter": 10000000, "bandwidth": 1000000, "slice": 7, "stall": 9, "offset": 3,
          "direction": "up", "to": "127.0.0.1:5432", "connection": "client-*#0", "after": 5, "for": 6})");
  EXPECT_EQ(network.latency, 50'000'000);
  EXPECT_EQ(network.jitter, 10'000'000);
  EXPECT_EQ(network.bandwidth, 1'000'000);
  EXPECT_EQ(network.slice, 7);
  EXPECT_EQ(network.stall, 9);
  EXPECT_EQ(network.offset, 3);
  EXPECT_TRUE(network.Hits(Way::kUp));
  EXPECT_FALSE(network.Hits(Way::kDown));
  EXPECT_EQ(network.to->ToString(), "127.0.0.1:5432");
  EXPECT_EQ(network.connection, "client-*#0");
  EXPECT_EQ(network.after, 5);
  EXPECT_EQ(network.duration, 6);
}

TEST(NetworkFault, AcceptsTheExampleOfTheInterface) {
  const NetworkFault network = Read(
      R"({"latency": 50000000, "jitter": 10000000, "bandwidth": 1000000, "reorder": false, "half-open": true})");
  EXPECT_TRUE(network.half_open);
  EXPECT_EQ(network.reorder, 0);
}

TEST(NetworkFault, LosesAConnectionAtAByteOfWhatTheServerSends) {
  const NetworkFault network = Read(R"({"cut": 4096})");
  EXPECT_EQ(network.cut, 4096);
  EXPECT_EQ(network.close, NetworkFault::Close::kRst);
  EXPECT_FALSE(network.up);
  EXPECT_EQ(Read(R"({"cut": 1, "close": "fin", "direction": "up"})").close,
            NetworkFault::Close::kFin);
}

TEST(NetworkFault, RejectsACutOfTwoDirections) {
  EXPECT_EQ(ErrorOf(R"({"cut": 1, "direction": "both"})"),
            "slow: network: cut is at a byte of one direction");
  EXPECT_EQ(ErrorOf(R"({"half-close": true, "direction": "both"})"),
            "slow: network: half-close is of one direction");
}

TEST(NetworkFault, RejectsAShareThatNoDatagramHas) {
  EXPECT_EQ(ErrorOf(R"({"loss": 1e-300})"), "slow: network: loss is too small to ever happen");
  EXPECT_EQ(ErrorOf(R"({"loss": 1e-19})"), "");
}

TEST(NetworkFault, RejectsWhatIsNotKnown) {
  EXPECT_EQ(ErrorOf(R"({"latency": 1, "direction": "sideways"})"),
            "slow: network: unknown direction 'sideways'");
  EXPECT_EQ(ErrorOf(R"({"close": "slowly"})"), "slow: network: unknown close 'slowly'");
}

TEST(NetworkFault, RejectsWhatContradicts) {
  EXPECT_EQ(ErrorOf(R"({"close": "rst", "half-open": true})"),
            "slow: network: half-open and close contradict each other");
  EXPECT_EQ(ErrorOf(R"({"half-close": true, "half-open": true})"),
            "slow: network: half-open and half-close contradict each other");
  EXPECT_EQ(ErrorOf(R"({"close": "fin", "half-close": true})"),
            "slow: network: half-close and close contradict each other");
  EXPECT_EQ(ErrorOf(R"({"stall": 5, "offset": 10, "cut": 10})"),
            "slow: network: a stall at byte 10 is never reached: the connection is lost before");
  EXPECT_EQ(ErrorOf(R"({"stall": 5, "offset": 9, "cut": 10})"), "");
}

TEST(NetworkFault, RejectsWhatCanNeverApply) {
  EXPECT_EQ(ErrorOf(R"({})"), "slow: network: nothing happens to the connections");
  EXPECT_EQ(ErrorOf(R"({"half-open": false, "after": 5})"),
            "slow: network: nothing happens to the connections");
  EXPECT_EQ(ErrorOf(R"({"bandwidth": 0})"), "slow: network: bandwidth: 0 changes nothing");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "for": 0})"), "slow: network: for: 0 changes nothing");
  EXPECT_EQ(ErrorOf(R"({"loss": 1.5})"), "slow: network: loss is a share of the datagrams");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "offset": 5})"),
            "slow: network: offset says where a stall, half-open or half-close begins");
}

TEST(NetworkFault, NeverLeavesThisMachine) {
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "10.0.0.1:80"})"),
            "slow: network: to: '10.0.0.1:80' is beyond this machine");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "[2001:db8::1]:80"})"),
            "slow: network: to: '[2001:db8::1]:80' is beyond this machine");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "0.0.0.0:80"})"),
            "slow: network: to: '0.0.0.0:80' is beyond this machine");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "example.com:80"})"),
            "slow: network: to: 'example.com:80' is no address with a port");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "127.0.0.1"})"),
            "slow: network: to: '127.0.0.1' is no address with a port");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "127.8.8.8:80"})"), "");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "[::1]:80"})"), "");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "::1:80"})"),
            "slow: network: to: '::1:80' is no address with a port");
}

TEST(NetworkFault, FillsARoute) {
  NetworkFault network = Read(R"({"latency": 5, "to": "[::1]:80", "connection": "client-*"})");
  network.number = 3;
  trireme_route route;
  FillRoute(network, 4711, &route);
  EXPECT_STREQ(route.connection, "client-*");
  EXPECT_STREQ(route.to, "[::1]:80");
  EXPECT_EQ(route.port, 4711);
  EXPECT_EQ(route.fault, 3);
}

TEST(NetworkFault, RejectsAnAddressForDatagrams) {
  EXPECT_EQ(ErrorOf(R"({"loss": 0.5, "to": "127.0.0.1:53"})"),
            "slow: network: to: loss, duplicate and reorder hit datagrams, whoever they are for");
  EXPECT_EQ(ErrorOf(R"({"loss": 0.5, "latency": 5})"), "");
  EXPECT_EQ(ErrorOf(R"({"latency": 5, "to": "127.0.0.1:53"})"), "");
}

TEST(NetworkFault, RejectsADirectionForDatagrams) {
  const std::string error =
      "slow: network: direction: loss, duplicate and reorder hit datagrams, which have no client "
      "and no server";
  EXPECT_EQ(ErrorOf(R"({"loss": 0.5, "direction": "down"})"), error);
  EXPECT_EQ(ErrorOf(R"({"reorder": true, "direction": "up"})"), error);
  // A cut is at a byte of one direction, whether it is said or not.
  EXPECT_EQ(ErrorOf(R"({"reorder": true, "cut": 10})"), error);
  EXPECT_EQ(ErrorOf(R"({"duplicate": 0.5, "direction": "both"})"), "");
  EXPECT_EQ(ErrorOf(R"({"reorder": false, "latency": 5, "direction": "down"})"), "");
}

TEST(NetworkFault, LeavesDatagramsToTheProbe) {
  const NetworkFault network =
      Read(R"({"loss": 0.5, "duplicate": 1.0, "reorder": true, "after": 5, "for": 6})");
  EXPECT_FALSE(network.NeedsProxy());
  const std::vector<trireme_fault_rule> rules = DatagramRules(network);
  EXPECT_THAT(rules, ElementsAre(Field(&trireme_fault_rule::action, TRIREME_DO_DROP),
                                 Field(&trireme_fault_rule::action, TRIREME_DO_DUPLICATE),
                                 Field(&trireme_fault_rule::action, TRIREME_DO_REORDER)));
  EXPECT_EQ(rules[0].chance, uint64_t{1} << 63);
  EXPECT_EQ(rules[1].when, TRIREME_WHEN_ALWAYS);
  EXPECT_EQ(rules[0].sides, 0);
  EXPECT_EQ(rules[0].until, 11U);
  EXPECT_TRUE(DatagramRules(Read(R"({"latency": 5})")).empty());
}

TEST(NetworkFault, DrawsEachKindOfChangeByItself) {
  NetworkFault network = Read(R"({"loss": 0.5, "duplicate": 0.5, "reorder": true})");
  network.seed = 7;
  const std::vector<trireme_fault_rule> rules = DatagramRules(network);
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_NE(rules[0].seed, rules[1].seed);
  EXPECT_NE(rules[0].seed, rules[2].seed);
  EXPECT_NE(rules[1].seed, rules[2].seed);
}

// Plans that have one decide as they always did.
TEST(NetworkFault, LeavesItsSeedToASingleKindOfChange) {
  for (const char* text : {R"({"loss": 0.5})", R"({"duplicate": 0.5})", R"({"reorder": true})"}) {
    NetworkFault network = Read(text);
    network.seed = 7;
    const std::vector<trireme_fault_rule> rules = DatagramRules(network);
    ASSERT_EQ(rules.size(), 1U) << text;
    EXPECT_EQ(rules[0].seed, 7U) << text;
  }
}

}  // namespace
}  // namespace trireme
