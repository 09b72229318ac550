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
}

}  // namespace
}  // namespace trireme
