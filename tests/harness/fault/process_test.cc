#include "harness/fault/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "harness/base/clock.h"

namespace trireme {
namespace {

Fault ProcessFaultWith(const Json& members) {
  return {.name = "kill", .seed = {}, .key = "process", .members = members};
}

ProcessFault ReadProcess(const Json& members) {
  Result<ProcessFault> read = ReadProcessFault(ProcessFaultWith(members));
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
  return read.ok() ? *read : ProcessFault{};
}

std::string ErrorOfProcess(const Json& members) {
  const Result<ProcessFault> read = ReadProcessFault(ProcessFaultWith(members));
  return read.ok() ? "no error" : read.error().message;
}

TEST(ProcessFaultTest, AcceptsASignalWithItsDefaults) {
  const ProcessFault fault = ReadProcess({{"signal", "KILL"}});
  EXPECT_EQ(fault.signal, SIGKILL);
  EXPECT_EQ(fault.target, "runner");
  EXPECT_EQ(fault.after, 0);
  EXPECT_FALSE(fault.duration || fault.event || fault.offset || fault.restart);
}

TEST(ProcessFaultTest, AcceptsTheLongNameOfASignal) {
  EXPECT_EQ(ReadProcess({{"signal", "SIGTERM"}}).signal, SIGTERM);
}

TEST(ProcessFaultTest, RejectsASignalThatIsNone) {
  EXPECT_EQ(ErrorOfProcess({{"signal", "KIL"}}), "kill: no signal is called 'KIL'");
  EXPECT_EQ(ErrorOfProcess({{"after", 5}}), "kill: a fault of a process needs a signal");
}

TEST(ProcessFaultTest, AcceptsAStopWithItsLength) {
  const ProcessFault fault = ReadProcess({{"signal", "STOP"}, {"after", 3}, {"for", 5}});
  EXPECT_EQ(fault.after, 3);
  EXPECT_EQ(fault.duration, 5);
}

TEST(ProcessFaultTest, RejectsALengthOfWhatNobodyTakesBack) {
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"for", 5}}),
            "kill: `for` goes with STOP only: nobody can take a KILL back");
  EXPECT_EQ(ErrorOfProcess({{"signal", "STOP"}, {"for", 0}}), "kill: a stop `for` no time is none");
}

TEST(ProcessFaultTest, RejectsATargetThatNoProcessOfATrialIsNamed) {
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"target", "1"}}),
            "kill: `target` is the name of a program of the trial, not the number 1");
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"target", "/sbin/init"}}),
            "kill: `target` is the name of a program of the trial, not the path /sbin/init");
  EXPECT_EQ(ReadProcess({{"signal", "KILL"}, {"target", "python3.1?"}}).target, "python3.1?");
}

TEST(ProcessFaultTest, AcceptsEvents) {
  const ProcessFault observed = ReadProcess({{"signal", "KILL"}, {"event", "observe:a:b"}});
  ASSERT_TRUE(observed.event);
  EXPECT_EQ(observed.event->kind, FaultEvent::Kind::kObserve);
  EXPECT_EQ(observed.event->name, "a:b");
  const ProcessFault third = ReadProcess({{"signal", "KILL"}, {"event", "op:get#3"}});
  ASSERT_TRUE(third.event);
  EXPECT_EQ(third.event->kind, FaultEvent::Kind::kOperation);
  EXPECT_EQ(third.event->name, "get");
  EXPECT_EQ(third.event->count, 3U);
  EXPECT_EQ(ReadProcess({{"signal", "KILL"}, {"event", "op:get"}}).event->count, 1U);
}

TEST(ProcessFaultTest, RejectsWhatIsNoEvent) {
  for (const char* event : {"", "get", "op:", "op:#3", "op:get#0", "op:get#x", "send:get"}) {
    EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"event", event}}),
              "kill: '" + std::string(event) + "' is no event");
  }
}

TEST(ProcessFaultTest, AcceptsAByteOfAConnection) {
  const ProcessFault fault =
      ReadProcess({{"signal", "KILL"}, {"offset", 4096}, {"connection", "c*#0"}});
  ASSERT_TRUE(fault.offset);
  EXPECT_EQ(fault.offset->offset, 4096U);
  EXPECT_EQ(fault.offset->connection, "c*#0");
}

TEST(ProcessFaultTest, RejectsTwoMomentsAndHalfOfOne) {
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"offset", 1}, {"event", "op:get"}}),
            "kill: `event` and `offset` both say when");
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"connection", "c#0"}}),
            "kill: `connection` says where `offset` counts, and there is none");
}

TEST(ProcessFaultTest, AcceptsARestartOfAProgramOnly) {
  EXPECT_EQ(ReadProcess({{"signal", "KILL"}, {"target", "server"}, {"restart", 7}}).restart, 7);
  EXPECT_EQ(ErrorOfProcess({{"signal", "KILL"}, {"restart", 7}}),
            "kill: a runner cannot be started again: it is a fork of the trial");
  EXPECT_EQ(ErrorOfProcess({{"signal", "STOP"}, {"target", "server"}, {"restart", 7}}),
            "kill: `restart` goes with a signal that ends a process, STOP does not");
}

TEST(ProcessFaultTest, HasConnectionsFollowedForAnOffsetOnly) {
  CompiledPlan plan;
  EXPECT_TRUE(CompileProcessFault(ProcessFaultWith({{"signal", "KILL"}}), 1, 0, plan).ok());
  EXPECT_EQ(plan.connections, 0U);
  const Json members = {{"signal", "KILL"}, {"offset", 0}};
  EXPECT_TRUE(CompileProcessFault(ProcessFaultWith(members), 2, 0, plan).ok());
  EXPECT_EQ(plan.connections, 4096U);
}

TEST(ProcessFaultTest, HasTheWorkloadWaitAtItsByte) {
  CompiledPlan plan;
  const Json members = {{"signal", "KILL"}, {"offset", 83}, {"connection", "client-*#0"}};
  EXPECT_TRUE(CompileProcessFault(ProcessFaultWith(members), 2, 0, plan).ok());
  ASSERT_EQ(plan.moments.size(), 1U);
  const trireme_moment& moment = plan.moments[0];
  EXPECT_EQ(moment.kind, TRIREME_MOMENT_BYTE);
  EXPECT_EQ(moment.offset, 83U);
  EXPECT_STREQ(moment.key, "client-*#0");
  EXPECT_EQ(moment.count, 1U);
  EXPECT_EQ(moment.fault, 2U);
}

TEST(ProcessFaultTest, TakesAConnectionThatTheProbeHasRoomFor) {
  const auto error = [](size_t size) {
    return ErrorOfProcess(
        {{"signal", "KILL"}, {"offset", 1}, {"connection", std::string(size, 'c')}});
  };
  EXPECT_EQ(error(95), "no error");
  EXPECT_EQ(error(96), "kill: 'connection' is longer than 95 bytes");
}

TEST(ProcessFaultTest, NamesSignals) {
  EXPECT_EQ(FaultSignalName(SIGSTOP), "STOP");
  EXPECT_EQ(FaultSignalName(SIGCHLD), "signal 17");
}

}  // namespace
}  // namespace trireme
