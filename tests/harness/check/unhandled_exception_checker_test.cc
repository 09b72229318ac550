#include "harness/check/unhandled_exception_checker.h"

#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

Json Reset(const std::string& type = "ConnectionResetError") {
  return ErrorJson(type, "reset", 104, "reset by peer", {"workload.py:5 in reader"});
}

CheckResult Check(TrialBuilder& trial) { return trial.Check(UnhandledExceptionChecker()); }

TEST(UnhandledExceptionCheckerTest, AcceptsATrialWithoutOne) {
  EXPECT_EQ(Check(TrialBuilder().Observe("x", 1)).verdict, Verdict::kPass);
}

TEST(UnhandledExceptionCheckerTest, AcceptsAnExceptionThatEndedAnOperation) {
  EXPECT_EQ(
      Check(TrialBuilder().Operation(EventKind::kInfo, 1, "get", 1, 2, nullptr, Reset())).verdict,
      Verdict::kPass);
}

TEST(UnhandledExceptionCheckerTest, RejectsOneThatNobodyCaught) {
  const CheckResult result = Check(
      TrialBuilder().Task(2, "1.1", "reader", 1).Add(EventKind::kException, 5, "hub", Reset(), 2));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.reason,
            "nobody caught ConnectionResetError: reset by peer (hub, reader, workload.py:5)");
  EXPECT_EQ(result.findings.at(0).participants.at(0).stack,
            std::vector<std::string>{"workload.py:5 in reader"});
}

TEST(UnhandledExceptionCheckerTest, NamesTheInnermostLineThatIsNoLibrarys) {
  const auto reason = [](const std::vector<std::string>& stack) {
    const Json error = ErrorJson("ValueError", "value", nullptr, "no", stack);
    return Check(TrialBuilder().End("raised", error).Exit("exited")).reason;
  };
  EXPECT_EQ(reason({"workload.py:5 in main", "lib/python3.11/json/decoder.py:3 in decode"}),
            "nobody caught ValueError: no (main, workload.py:5)");
  EXPECT_EQ(reason({"lib/python3.11/x.py:3 in f"}), "nobody caught ValueError: no (main)");
  EXPECT_EQ(reason({"std::terminate() in x", "a:"}), "nobody caught ValueError: no (main)");
}

TEST(UnhandledExceptionCheckerTest, NamesTheCallBeforeOneWithoutALine) {
  const auto reason = [](const Json& after, const std::vector<std::string>& stack) {
    Json error = ErrorJson("std::runtime_error", "other", nullptr, "no", stack);
    error["after"] = after;
    return Check(TrialBuilder().End("raised", error).Exit("exited")).reason;
  };
  EXPECT_EQ(reason("workload.cc:6 in Bad", {"workload.so+0x1b2c"}),
            "nobody caught std::runtime_error: no (main, after workload.cc:6)");
  EXPECT_EQ(reason("workload.cc:6 in Bad", {"workload.cc:7 in Bad"}),
            "nobody caught std::runtime_error: no (main, workload.cc:7)");
  EXPECT_EQ(reason(6, {}), "nobody caught std::runtime_error: no (main)");
}

TEST(UnhandledExceptionCheckerTest, RejectsOneThatLeftMain) {
  const CheckResult result = Check(TrialBuilder().End("raised", Reset()).Exit("exited"));
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.findings.at(0).evidence.at("where"), "main");
}

TEST(UnhandledExceptionCheckerTest, AcceptsTheCancellationThatTheFaultPlanAskedFor) {
  const Json cancelled = ErrorJson("trireme.Cancelled", "cancelled", nullptr, "1.1", {});
  const Json fault = {{"do", {{"cancel", true}}}, {"task", "1.1"}, {"point", 1}};
  const auto check = [&](const Json& applied, const Json& error) {
    TrialBuilder trial;
    if (!applied.is_null()) trial.Add(EventKind::kFault, 5, "cancel", applied);
    return Check(trial.End("raised", error).Exit("exited")).verdict;
  };
  EXPECT_EQ(check(fault, cancelled), Verdict::kPass);
  EXPECT_EQ(check(nullptr, cancelled), Verdict::kFail);
  EXPECT_EQ(check(fault, Reset()), Verdict::kFail);
  EXPECT_EQ(check({{"do", {{"timeout", true}}}}, cancelled), Verdict::kFail);
}

TEST(UnhandledExceptionCheckerTest, CountsOneExceptionSeenByTwoHooksOnce) {
  const CheckResult result = Check(TrialBuilder()
                                       .Add(EventKind::kException, 5, "hub", Reset())
                                       .Add(EventKind::kException, 6, "task", Reset()));
  EXPECT_EQ(result.findings.size(), 1U);
}

TEST(UnhandledExceptionCheckerTest, HasOneSignatureAcrossRuntimes) {
  const auto sign = [](const std::string& where, const Json& error) {
    return Check(TrialBuilder().Add(EventKind::kException, 5, where, error))
        .findings.at(0)
        .signature;
  };
  EXPECT_EQ(sign("hub", Reset()), sign("thread", Reset("asyncio.ConnectionReset")));
  EXPECT_NE(sign("hub", ErrorJson("KeyError", "value")),
            sign("hub", ErrorJson("TypeError", "value")));
}

TEST(UnhandledExceptionCheckerTest, CannotPassATrialThatWasCutShort) {
  EXPECT_EQ(Check(TrialBuilder().Exit("timeout")).verdict, Verdict::kUnknown);
}

TEST(UnhandledExceptionCheckerTest, SaysWhenTheErrorIsDamaged) {
  const CheckResult result = Check(TrialBuilder().Add(EventKind::kException, 5, "hub", 7));
  EXPECT_EQ(result.verdict, Verdict::kFail);
}

}  // namespace
}  // namespace trireme
