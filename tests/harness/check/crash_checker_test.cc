#include "harness/check/crash_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

CheckResult CheckExit(const std::string& how, const Json& exit, bool ended = false) {
  TrialBuilder trial;
  if (ended) trial.End();
  return trial.Exit(how, exit).Check(CrashChecker());
}

TEST(CrashCheckerTest, AcceptsAnOrderlyEnd) {
  EXPECT_EQ(CheckExit("exited", {{"code", 0}}, true).verdict, Verdict::kPass);
}

TEST(CrashCheckerTest, LeavesATimeoutToProgress) {
  EXPECT_EQ(CheckExit("timeout", Json::object()).verdict, Verdict::kPass);
}

TEST(CrashCheckerTest, RejectsAnExitBeforeMainEnded) {
  const CheckResult result = CheckExit("exited", {{"code", 3}});
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "exited with status 3 before main ended");
}

TEST(CrashCheckerTest, RejectsAnExitWithAStatusAfterMainEnded) {
  const CheckResult result = CheckExit("exited", {{"code", 9}}, true);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "exited with status 9 after main had ended");
}

TEST(CrashCheckerTest, RejectsAnExitBeforeTheCensus) {
  const CheckResult result =
      TrialBuilder().TaskEnd(1, 900).Exit("exited", {{"code", 0}}).Check(CrashChecker());
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason, "exited with status 0 after main, before what it left behind was known");
}

TEST(CrashCheckerTest, RejectsADeathBySignal) {
  EXPECT_EQ(CheckExit("signalled", {{"signal", 11}}).reason, "ended by SIGSEGV before main ended");
  EXPECT_EQ(CheckExit("signalled", {{"signal", 6}}, true).reason,
            "ended by SIGABRT after main had ended");
  EXPECT_EQ(CheckExit("signalled", {{"signal", 40}}).reason,
            "ended by signal 40 before main ended");
}

TEST(CrashCheckerTest, RejectsABrokenProtocol) {
  EXPECT_EQ(CheckExit("exited", {{"protocol_error", "no JSON"}}, true).reason,
            "broke the runner protocol: no JSON");
  const std::string ended = "the workload ended the process (exit status 3) while it was loaded";
  EXPECT_EQ(CheckExit("vanished", {{"protocol_error", ended}}).reason, ended);
}

TEST(CrashCheckerTest, RejectsTooMuchMemory) {
  EXPECT_EQ(
      CheckExit("signalled", {{"signal", 9}, {"memory_exceeded", true}, {"memory_limit", 1024}})
          .reason,
      "used more memory than its limit of 1024 bytes");
}

TEST(CrashCheckerTest, RejectsAProcessThatVanished) {
  EXPECT_EQ(CheckExit("vanished", Json::object()).verdict, Verdict::kFail);
}

// The end of main may be among them.
TEST(CrashCheckerTest, AcceptsAnExitWithZeroWhereEventsWereLost) {
  const auto check = [](uint64_t lost, const Json& exit) {
    return TrialBuilder().Watched({.lost = lost}).Exit("exited", exit).Check(CrashChecker());
  };
  EXPECT_EQ(check(1, {{"code", 0}}).verdict, Verdict::kPass);
  EXPECT_EQ(check(0, {{"code", 0}}).verdict, Verdict::kFail);
  EXPECT_EQ(check(1, {{"code", 3}}).verdict, Verdict::kFail);
}

TEST(CrashCheckerTest, ShowsTheStackOfTheThreadThatDied) {
  const CheckResult result = TrialBuilder()
                                 .Stacks(
                                     "Fatal Python error: Segmentation fault\n\n"
                                     "Thread 0x00007f01 (most recent call first):\n"
                                     "  File \"/x/w.py\", line 3 in idle\n\n"
                                     "Current thread 0x00007f02 (most recent call first):\n"
                                     "  File \"/x/w.py\", line 9 in inner\n"
                                     "  File \"/x/w.py\", line 7 in outer\n")
                                 .Exit("signalled", {{"signal", 11}})
                                 .Check(CrashChecker());
  EXPECT_EQ(result.findings.at(0).participants.at(0).stack,
            (std::vector<std::string>{"/x/w.py:7 in outer", "/x/w.py:9 in inner"}));
}

TEST(CrashCheckerTest, RejectsACommandThatASignalEnded) {
  const Json command = {{"scenario", "command"}, {"command", {"python3"}}};
  const auto check = [&](int status, const Json& cell) {
    return TrialBuilder().Cell(cell).Observe("exit-status", status).Check(CrashChecker());
  };
  EXPECT_EQ(check(-11, command).reason, "the command was ended by SIGSEGV");
  EXPECT_EQ(check(11, command).verdict, Verdict::kPass);
  EXPECT_EQ(check(-11, {{"scenario", "s"}}).verdict, Verdict::kPass);
}

TEST(CrashCheckerTest, NamesTheTestInWhichACommandWasEnded) {
  const auto check = [](const std::string& test, const Json& command) {
    return TrialBuilder()
        .Cell({{"scenario", "command"}, {"command", command}})
        .Op(1, "test", 10, 20, "suite.py::test_ends")
        .OpenOp(1, "test", 30, test)
        .Observe("exit-status", -11)
        .Check(CrashChecker());
  };
  const CheckResult crash = check("suite.py::test_crash", {"pytest"});
  EXPECT_EQ(crash.reason,
            "the command was ended by SIGSEGV; not ended: suite.py::test_crash");
  const CheckResult other = check("suite.py::test_other", {"pytest"});
  EXPECT_NE(crash.findings.at(0).signature, other.findings.at(0).signature);
}

TEST(CrashCheckerTest, NamesNoTestWhereEachHadEnded) {
  EXPECT_EQ(TrialBuilder()
                .Cell({{"scenario", "command"}, {"command", {"pytest"}}})
                .Op(1, "test", 10, 20, "suite.py::test_ends")
                .Observe("exit-status", -11)
                .Check(CrashChecker())
                .reason,
            "the command was ended by SIGSEGV");
}

TEST(CrashCheckerTest, CannotDecideWithoutAnExit) {
  EXPECT_EQ(RunChecker(CrashChecker(), TrialBuilder().View(), {}).verdict, Verdict::kUnknown);
}

TEST(CrashCheckerTest, SaysNothingOfATrialThatRecordedNothing) {
  TrialBuilder nothing{TrialBuilder::Empty()};
  EXPECT_EQ(nothing.Exit("exited").Check(CrashChecker()).verdict, Verdict::kPass);
  TrialBuilder status{TrialBuilder::Empty()};
  EXPECT_EQ(status.Exit("exited", {{"code", 3}}).Check(CrashChecker()).verdict, Verdict::kFail);
  TrialBuilder begun;
  EXPECT_EQ(begun.Exit("exited").Check(CrashChecker()).verdict, Verdict::kFail);
}

}  // namespace
}  // namespace trireme
