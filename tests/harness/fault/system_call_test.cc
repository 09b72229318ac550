#include "harness/fault/system_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "harness/fault/error_names.h"
#include "tests/harness/fault/fault_testing.h"

namespace trireme {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string CallErrorOf(const std::string& at, const std::string& what) {
  return MessageOf(CheckSystemCallFault(SystemCall(at, what)));
}

std::string CallHintOf(const std::string& at, const std::string& what) {
  const Status status = CheckSystemCallFault(SystemCall(at, what));
  return status.ok() ? "" : status.error().hint;
}

TEST(SystemCallFaultTest, ReadsEveryMember) {
  const Result<SystemCallFault> fault = ReadSystemCallFault(SystemCall(
      R"({"call": ["recv", "send"], "side": "server", "connection": "client-*#0", "offset": 4096,
          "times": 2, "total": 9, "after": 5, "for": 7})",
      R"({"short": 3})"));
  ASSERT_TRUE(fault.ok()) << fault.error().message;
  EXPECT_EQ(fault->calls, 1U << TRIREME_CALL_RECV | 1U << TRIREME_CALL_SEND);
  EXPECT_EQ(fault->sides, 2);
  EXPECT_EQ(fault->connection, "client-*#0");
  EXPECT_EQ(fault->when, TRIREME_WHEN_AT);
  EXPECT_EQ(fault->place, 4096U);
  EXPECT_EQ(fault->times, 2U);
  EXPECT_EQ(fault->total, 9U);
  EXPECT_EQ(fault->after, 5U);
  EXPECT_EQ(fault->until, 12U);
  EXPECT_EQ(fault->action, TRIREME_DO_SHORT);
  EXPECT_EQ(fault->amount, 3U);
}

TEST(SystemCallFaultTest, HitsWhatItIsAboutWhereNoCallIsNamed) {
  const auto calls_of = [](const char* what) {
    return ReadSystemCallFault(SystemCall("{}", what))->calls;
  };
  const uint32_t transfers = 1U << TRIREME_CALL_RECV | 1U << TRIREME_CALL_SEND;
  EXPECT_EQ(calls_of(R"({"reset": true})"), transfers);
  EXPECT_EQ(calls_of(R"({"error": "ECONNRESET"})"), transfers);
  EXPECT_EQ(calls_of(R"({"error": "EPIPE"})"), 1U << TRIREME_CALL_SEND);
  EXPECT_EQ(calls_of(R"({"error": "EAI_AGAIN"})"), 1U << TRIREME_CALL_GETADDRINFO);
  EXPECT_EQ(calls_of(R"({"spurious": true})"), 1U << TRIREME_CALL_EPOLL_WAIT);
}

TEST(SystemCallFaultTest, KnowsEachCallByItsName) {
  for (int call = TRIREME_CALL_CONNECT; call <= TRIREME_CALL_SOCKET; ++call) {
    const std::string name(CallName(static_cast<trireme_fault_call>(call)));
    const char* what =
        call == TRIREME_CALL_GETADDRINFO ? R"({"error": "EAI_FAIL"})" : R"({"error": "ENOMEM"})";
    const auto fault = ReadSystemCallFault(SystemCall(R"({"call": [")" + name + "\"]}", what));
    ASSERT_TRUE(fault.ok()) << fault.error().message;
    EXPECT_EQ(fault->calls, 1U << call) << name;
  }
}

TEST(SystemCallFaultTest, KnowsErrorsByTheirNames) {
  EXPECT_EQ(FindErrorName("ECONNRESET")->code, ECONNRESET);
  EXPECT_EQ(FindErrorName("EWOULDBLOCK")->code, EAGAIN);
  EXPECT_TRUE(FindErrorName("EAI_AGAIN")->resolver);
  EXPECT_EQ(FindErrorName("ENOTHING"), nullptr);
}

TEST(SystemCallFaultTest, DoesOneThing) {
  EXPECT_EQ(CallErrorOf("{}", "{}"), "x: 'do' is empty");
  EXPECT_EQ(CallErrorOf("{}", R"({"reset": true, "short": 1})"),
            "x: 'do' is one thing, not short and reset");
  EXPECT_EQ(CallErrorOf("{}", R"({"reset": false})"), "x: 'reset: false' does nothing");
  EXPECT_EQ(CallErrorOf("{}", R"({"short": 0})"), "x: 'short' of 0 does nothing");
  EXPECT_EQ(CallErrorOf("{}", R"({"delay": 0})"), "x: 'delay' of 0 does nothing");
}

TEST(SystemCallFaultTest, NamesTheKeyAtFault) {
  const auto key_of = [](const char* at, const char* what) {
    return CheckSystemCallFault(SystemCall(at, what)).error().key;
  };
  EXPECT_EQ(key_of("{}", "{}"), "do");
  EXPECT_EQ(key_of("{}", R"({"short": 0})"), "do.short");
  EXPECT_EQ(key_of(R"({"call": ["recieve"]})", R"({"reset": true})"), "at.call");
  EXPECT_EQ(key_of(R"({"call": ["connect"]})", R"({"error": "ENOSPC"})"), "do.error");
  EXPECT_EQ(key_of(R"({"offset": 1, "every": 2})", R"({"reset": true})"), "at.every");
  EXPECT_EQ(key_of(R"({"times": 0})", R"({"reset": true})"), "at.times");
  EXPECT_EQ(key_of(R"({"sweep": "all"})", R"({"reset": true})"), "at.sweep");
}

TEST(SystemCallFaultTest, RefusesUnknownWords) {
  EXPECT_EQ(CallErrorOf(R"({"call": ["recieve"]})", R"({"reset": true})"),
            "x: there is no call 'recieve'");
  EXPECT_EQ(CallHintOf(R"({"call": ["recvv"]})", R"({"reset": true})"), "did you mean 'recv'?");
  EXPECT_EQ(CallErrorOf("{}", R"({"error": "ECONRESET"})"), "x: there is no error 'ECONRESET'");
  EXPECT_EQ(CallHintOf("{}", R"({"error": "ECONRESET"})"), "did you mean 'ECONNRESET'?");
  EXPECT_EQ(CallErrorOf(R"({"side": "sever"})", R"({"reset": true})"),
            "x: 'side' must be client or server, not 'sever'");
}

TEST(SystemCallFaultTest, RefusesWhatNoSuchCallDoes) {
  EXPECT_EQ(CallErrorOf(R"({"call": ["recv", "open"]})", R"({"short": 1})"),
            "x: 'short' can never apply to open");
  EXPECT_EQ(CallErrorOf(R"({"call": ["connect"]})", R"({"drop": true})"),
            "x: 'drop' can never apply to connect");
  EXPECT_EQ(CallErrorOf(R"({"call": ["connect"]})", R"({"close": true})"),
            "x: 'close' can never apply to connect");
  EXPECT_EQ(CallErrorOf(R"({"call": ["accept"]})", R"({"close": true})"), "");
  EXPECT_EQ(CallErrorOf(R"({"call": ["recv", "send"]})", R"({"duplicate": true})"),
            "x: 'duplicate' can never apply to recv");
  EXPECT_EQ(CallErrorOf(R"({"call": ["recv"]})", R"({"reorder": true})"),
            "x: 'reorder' can never apply to recv");
  EXPECT_EQ(CallErrorOf(R"({"call": ["recv"]})", R"({"error": "EAI_AGAIN"})"),
            "x: only getaddrinfo fails with EAI_AGAIN, not recv");
  EXPECT_EQ(CallErrorOf(R"({"call": ["getaddrinfo"]})", R"({"error": "EMFILE"})"),
            "x: getaddrinfo never fails with EMFILE");
}

TEST(SystemCallFaultTest, RefusesEagainWhereNothingIsNonBlocking) {
  for (const char* call : {"open", "fsync", "close", "epoll_wait", "malloc", "socket"})
    EXPECT_EQ(
        CallErrorOf(R"({"call": [")" + std::string(call) + R"("]})", R"({"error": "EAGAIN"})"),
        "x: EAGAIN can never come of " + std::string(call) +
            ": it has no descriptor that would not block");
  EXPECT_EQ(CallErrorOf(R"({"call": ["read", "open"]})", R"({"error": "EWOULDBLOCK"})"),
            "x: EWOULDBLOCK can never come of open: it has no descriptor that would not block");
  for (const char* call : {"connect", "accept", "recv", "send", "read", "write", "fork", "thread"})
    EXPECT_EQ(
        CallErrorOf(R"({"call": [")" + std::string(call) + R"("]})", R"({"error": "EAGAIN"})"), "");
}

TEST(SystemCallFaultTest, TakesWhatItsManPageAndWhatStandsBehindItFailWith) {
  const std::multimap<std::string, std::string> failures = {
      {"connect", "ECONNREFUSED"}, {"connect", "ENOENT"},    {"connect", "EADDRNOTAVAIL"},
      {"accept", "EMFILE"},        {"accept", "EPROTO"},     {"recv", "ETIMEDOUT"},
      {"recv", "ECONNREFUSED"},    {"send", "EPIPE"},        {"send", "EMSGSIZE"},
      {"read", "ECONNRESET"},      {"read", "EISDIR"},       {"read", "ESTALE"},
      {"write", "ENOSPC"},         {"write", "EPIPE"},       {"write", "EHOSTUNREACH"},
      {"open", "EMFILE"},          {"open", "ETXTBSY"},      {"open", "ENOTCONN"},
      {"fsync", "EIO"},            {"fsync", "ENOSPC"},      {"close", "EDQUOT"},
      {"close", "EINTR"}};
  for (const auto& [call, error] : failures)
    EXPECT_EQ(CallErrorOf(R"({"call": [")" + call + R"("]})", R"({"error": ")" + error + R"("})"),
              "")
        << call << error;
}

TEST(SystemCallFaultTest, RefusesWhatItNeverFailsWith) {
  const std::multimap<std::string, std::string> never = {
      {"connect", "ENOSPC"}, {"connect", "EMFILE"}, {"connect", "EPIPE"},      {"accept", "ENOSPC"},
      {"accept", "EPIPE"},   {"recv", "ENOSPC"},    {"recv", "EPIPE"},         {"recv", "EMFILE"},
      {"send", "EMFILE"},    {"send", "EISDIR"},    {"read", "ENOSPC"},        {"read", "EROFS"},
      {"write", "EMFILE"},   {"write", "EEXIST"},   {"open", "ECONNRESET"},    {"open", "EPIPE"},
      {"fsync", "EPIPE"},    {"fsync", "EMFILE"},   {"close", "ECONNREFUSED"}, {"close", "EISDIR"}};
  for (const auto& [call, error] : never)
    EXPECT_EQ(CallErrorOf(R"({"call": [")" + call + R"("]})", R"({"error": ")" + error + R"("})"),
              "x: " + error + " can never come of " + call);
}

// The kernel says so while the connection goes on being made, which an error does not.
TEST(SystemCallFaultTest, RefusesAConnectionThatIsBeingMade) {
  EXPECT_EQ(CallErrorOf(R"({"call": ["connect"]})", R"({"error": "EINPROGRESS"})"),
            "x: EINPROGRESS can never come of connect");
}

TEST(SystemCallFaultTest, RefusesAnErrnoThatTheKernelNeverGivesThere) {
  for (const char* call : {"fork", "thread", "malloc", "socket", "epoll_wait"}) {
    const std::string at = R"({"call": [")" + std::string(call) + R"("]})";
    EXPECT_EQ(CallErrorOf(at, R"({"error": "ECONNRESET"})"),
              "x: ECONNRESET can never come of " + std::string(call));
    EXPECT_EQ(CallErrorOf(at, R"({"error": "ENOMEM"})"), "");
  }
  EXPECT_EQ(CallHintOf(R"({"call": ["fork"]})", R"({"error": "ECONNRESET"})"),
            "it comes of connect, accept, recv, send, read, write; fork fails with EAGAIN, ENOMEM, "
            "ENOSYS, EPERM");
  EXPECT_EQ(CallHintOf(R"({"call": ["malloc"]})", R"({"error": "EIO"})"),
            "it comes of connect, recv, send, read, write, open, fsync, close; malloc fails with "
            "ENOMEM");
  EXPECT_EQ(CallErrorOf(R"({"call": ["socket"]})", R"({"error": "EMFILE"})"), "");
  EXPECT_EQ(CallErrorOf(R"({"call": ["epoll_wait"]})", R"({"error": "EINTR"})"), "");
}

TEST(SystemCallFaultTest, RefusesASideThatNeverCalls) {
  EXPECT_EQ(CallErrorOf(R"({"call": ["accept"], "side": "client"})", R"({"error": "EMFILE"})"),
            "x: 'side: client' can never apply to accept");
  EXPECT_EQ(CallErrorOf(R"({"call": ["connect"], "side": "server"})", R"({"error": "ETIMEDOUT"})"),
            "x: 'side: server' can never apply to connect");
  EXPECT_EQ(CallErrorOf(R"({"call": ["malloc"], "side": "server"})", R"({"error": "ENOMEM"})"),
            "x: 'side: server' can never apply to malloc");
}

TEST(SystemCallFaultTest, TakesOneWayToSayWhen) {
  EXPECT_EQ(CallErrorOf(R"({"offset": 1, "probability": 0.5})", R"({"reset": true})"),
            "x: 'offset' and 'probability' exclude each other");
  EXPECT_EQ(CallErrorOf(R"({"every": 0})", R"({"reset": true})"), "x: 'every: 0' can never apply");
  EXPECT_EQ(CallErrorOf(R"({"probability": 0})", R"({"reset": true})"),
            "x: 'probability: 0' can never apply");
  EXPECT_EQ(CallErrorOf(R"({"probability": 1e-300})", R"({"reset": true})"),
            "x: 'probability' is too small to ever apply");
  EXPECT_EQ(CallErrorOf(R"({"probability": 1e-19})", R"({"reset": true})"), "");
  EXPECT_EQ(
      CallErrorOf(R"({"call": ["recv", "accept"], "offset": 4096})", R"({"error": "ECONNRESET"})"),
      "x: 'offset' counts bytes of recv, but calls of accept");
}

TEST(SystemCallFaultTest, RefusesLimitsThatLeaveNothing) {
  EXPECT_EQ(CallErrorOf(R"({"times": 0})", R"({"reset": true})"), "x: 'times: 0' can never apply");
  EXPECT_EQ(CallErrorOf(R"({"total": 0})", R"({"reset": true})"), "x: 'total: 0' can never apply");
  EXPECT_EQ(CallErrorOf(R"({"times": 256})", R"({"reset": true})"), "x: 'times' is at most 255");
  EXPECT_EQ(CallErrorOf(R"({"for": 0})", R"({"reset": true})"),
            "x: 'for' of no time can never apply");
  EXPECT_THAT(
      CallErrorOf(R"({"connection": ")" + std::string(96, 'a') + "\"}", R"({"reset": true})"),
      HasSubstr("'connection' is longer than 95 bytes"));
}

TEST(SystemCallFaultTest, RefusesAConnectionOfWhatHasNone) {
  const std::string at = R"({"connection": "client-*#0", "call": )";
  EXPECT_EQ(CallErrorOf(at + R"(["accept"]})", R"({"error": "EMFILE"})"),
            "x: 'connection: client-*#0' can never apply to accept: what fails so has no "
            "connection");
  EXPECT_EQ(CallErrorOf(at + R"(["open", "fsync"]})", R"({"error": "EIO"})"),
            "x: 'connection: client-*#0' can never apply to open, fsync: what fails so has no "
            "connection");
}

TEST(SystemCallFaultTest, TakesAConnectionOfWhatHasOne) {
  const std::string at = R"({"connection": "client-*#0", "call": )";
  EXPECT_EQ(CallErrorOf(at + R"(["accept"]})", R"({"error": "ECONNABORTED"})"), "");
  EXPECT_EQ(CallErrorOf(at + R"(["accept"]})", R"({"reset": true})"), "");
  EXPECT_EQ(CallErrorOf(at + R"(["recv", "accept"]})", R"({"interrupt": true})"), "");
  EXPECT_EQ(CallErrorOf(at + R"(["write"]})", R"({"error": "EIO"})"), "");
}

// Of the task that makes the call, whose name may be any.
TEST(SystemCallFaultTest, TakesATaskOfWhatIsOnNoConnection) {
  for (const char* task : {"acceptor", "1.2", "worker #b"})
    EXPECT_EQ(CallErrorOf(R"({"call": ["accept"], "connection": ")" + std::string(task) + "\"}",
                          R"({"error": "EMFILE"})"),
              "");
}

TEST(SystemCallFaultTest, CountsOnConnectionsOnly) {
  EXPECT_EQ(CallErrorOf(R"({"call": ["fsync"], "times": 2})", R"({"error": "EIO"})"),
            "x: 'times' counts what happens on one connection, and fsync is on none");
  EXPECT_EQ(CallErrorOf(R"({"call": ["write"], "times": 2})", R"({"error": "EIO"})"), "");
  for (const char* what : {R"({"error": "EMFILE"})", R"({"interrupt": true})"})
    EXPECT_EQ(
        CallErrorOf(R"({"call": ["accept"], "times": 2})", what),
        "x: 'times' counts what happens on one connection, and an accept that fails takes none");
  for (const char* what : {R"({"error": "ECONNABORTED"})", R"({"reset": true})"})
    EXPECT_EQ(CallErrorOf(R"({"call": ["accept"], "times": 2})", what), "");
}

TEST(SystemCallFaultTest, FillsItsRule) {
  CompiledPlan plan;
  const Fault fault = SystemCall(
      R"({"call": ["recv"], "side": "client", "connection": "c*#1", "probability": 0.25, "times": 3})",
      R"({"error": "ECONNRESET"})", "cut");
  ASSERT_TRUE(CompileSystemCallFault(fault, 2, 77, plan).ok());
  ASSERT_EQ(plan.rules.size(), 1U);
  const trireme_fault_rule& rule = plan.rules[0];
  EXPECT_STREQ(static_cast<const char*>(rule.name), "cut");
  EXPECT_STREQ(static_cast<const char*>(rule.connection), "c*#1");
  EXPECT_EQ(rule.seed, 77U);
  EXPECT_EQ(rule.chance, uint64_t{1} << 62);
  EXPECT_EQ(rule.calls, 1U << TRIREME_CALL_RECV);
  EXPECT_EQ(rule.error, ECONNRESET);
  EXPECT_EQ(rule.limit, 3U);
  EXPECT_EQ(rule.fault, 2);
  EXPECT_EQ(rule.when, TRIREME_WHEN_CHANCE);
  EXPECT_EQ(rule.action, TRIREME_DO_ERROR);
  EXPECT_EQ(rule.sides, 1);
}

TEST(SystemCallFaultTest, IsCertainWhereTheProbabilityIsOne) {
  CompiledPlan plan;
  ASSERT_TRUE(
      CompileSystemCallFault(SystemCall(R"({"probability": 1})", R"({"reset": true})"), 1, 0, plan)
          .ok());
  EXPECT_EQ(plan.rules[0].chance, UINT64_MAX);
}

}  // namespace
}  // namespace trireme
