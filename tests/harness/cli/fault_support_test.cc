#include "harness/cli/fault_support.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

// What is said of a cell of `runtime` that suffers one fault on system calls.
std::string UnsupportedOn(const std::string& runtime, const Json& at, const Json& action) {
  Plan plan;
  PlannedCell cell;
  cell.runtime = runtime;
  cell.fault_plan = {{"name", "one"}, {"all", {{{"name", "again"}, {"at", at}, {"do", action}}}}};
  plan.cells.push_back(cell);
  MarkUnsupportedFaults(plan);
  return plan.cells.front().unsupported;
}

TEST(FaultSupportTest, NoCallOnABlockingSocketIsToldThatItWouldWait) {
  const Json again = {{"error", "EAGAIN"}};
  EXPECT_EQ(UnsupportedOn("thread", {{"call", "recv"}, {"offset", 3}}, again),
            "fault 'again' is EAGAIN, which no call on a blocking socket is told, and those of "
            "thread block");
  EXPECT_EQ(UnsupportedOn("fiber", {{"call", "recv"}, {"offset", 3}}, again), "");
  EXPECT_EQ(UnsupportedOn("threading", {{"call", "recv"}, {"offset", 3}}, again), "");
  EXPECT_EQ(UnsupportedOn("thread", {{"call", "recv"}, {"offset", 3}}, {{"error", "ECONNRESET"}}),
            "");
  EXPECT_EQ(UnsupportedOn("thread", {{"call", "fork"}, {"offset", 0}}, again), "");
  // Whatever else the fault hits: without this it would be another one.
  for (const Json& calls : {Json{"recv", "connect"}, Json{"connect"}, Json{"send", "fork"}}) {
    EXPECT_EQ(UnsupportedOn("thread", {{"call", calls}}, again),
              "fault 'again' is EAGAIN, which no call on a blocking socket is told, and those of "
              "thread block")
        << calls;
    EXPECT_EQ(UnsupportedOn("coroutine", {{"call", calls}}, again), "") << calls;
    EXPECT_EQ(UnsupportedOn("threading", {{"call", calls}}, again), "") << calls;
  }
}

TEST(FaultSupportTest, OnlyCppWorkloadsLackMemoryAtAnAllocation) {
  const Json failure = {{"error", "ENOMEM"}};
  EXPECT_EQ(UnsupportedOn("asyncio", {{"call", "malloc"}, {"offset", 3}}, failure),
            "fault 'again' is of malloc, which fails in C++ workloads only: `resource: {memory: "
            "N}` is for Python");
  EXPECT_EQ(UnsupportedOn("fiber", {{"call", "malloc"}, {"offset", 3}}, failure), "");
  const Json both = {{"call", {"malloc", "open"}}, {"offset", 3}};
  EXPECT_EQ(UnsupportedOn("asyncio", both, failure),
            "fault 'again' is of malloc, which fails in C++ workloads only: `resource: {memory: "
            "N}` is for Python");
  EXPECT_EQ(UnsupportedOn("fiber", both, failure), "");
  EXPECT_EQ(UnsupportedOn("asyncio", {{"call", {"socket", "open"}}, {"offset", 3}}, failure), "");
}

// What else the plan has happens, but it would be another plan.
TEST(FaultSupportTest, OneFaultThatCannotComeMakesThePlanUnsupported) {
  const auto said_on = [](const std::string& runtime, const char* call) {
    Plan plan;
    PlannedCell cell;
    cell.runtime = runtime;
    const Json cut = {{"name", "cut"}, {"at", {{"call", "recv"}}}, {"do", {{"short", 1}}}};
    const Json full = {{"name", "full"}, {"at", {{"call", call}}}, {"do", {{"error", "ENOMEM"}}}};
    cell.fault_plan = {{"name", "two"}, {"all", {cut, full}}};
    plan.cells.push_back(cell);
    MarkUnsupportedFaults(plan);
    return plan.cells.front().unsupported;
  };
  EXPECT_EQ(said_on("asyncio", "malloc"),
            "fault 'full' is of malloc, which fails in C++ workloads only: `resource: {memory: "
            "N}` is for Python");
  EXPECT_EQ(said_on("fiber", "malloc"), "");
  EXPECT_EQ(said_on("asyncio", "open"), "");
}

TEST(FaultSupportTest, DescribesAPlanWithWhatItContainsAndWhereItWorks) {
  const auto described = [](const Json& action) {
    const Result<FaultPlan> plan = FaultPlan::FromJson(
        {{"name", "mix"},
         {"summary", "Some of it"},
         {"all",
          {{{"name", "first"}, {"at", {{"call", {"recv"}}, {"offset", 3}}}, {"do", action}}}}});
    return DescribeFaultPlan(*plan);
  };
  const std::string again = described({{"error", "EAGAIN"}});
  EXPECT_EQ(again.find("mix (fault plan)\n  Some of it\n  all:\n    - name: \"first\"\n"
                       "      at: {call: [recv], offset: 3}\n      do: {error: EAGAIN}\n"
                       "  runtimes: eventlet, "),
            0U)
      << again;
  EXPECT_NE(again.find("\n  unsupported on thread: fault 'first' is EAGAIN"), std::string::npos)
      << again;
  EXPECT_NE(again.find("\n  use: trireme run SCENARIO --faults mix\n"), std::string::npos);
  EXPECT_EQ(described({{"reset", true}}).find("unsupported"), std::string::npos);
}

}  // namespace
}  // namespace trireme
