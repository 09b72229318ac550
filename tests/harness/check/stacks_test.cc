#include "harness/check/stacks.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(StacksTest, ReadsFaulthandlerInnermostLast) {
  const std::vector<TaskStack> stacks = ParseStacks(
      "Thread 0x00007f2a (most recent call first):\n"
      "  File \"/usr/lib/python3.11/queue.py\", line 171 in get\n"
      "  File \"/x/workload.py\", line 12 in reader\n"
      "\n"
      "Current thread 0x00007f2b (most recent call first):\n"
      "  File \"/x/workload.py\", line 30 in main\n"
      "== end of stacks\n");
  ASSERT_EQ(stacks.size(), 2U);
  EXPECT_EQ(stacks[0].thread, 0x7f2a);
  EXPECT_EQ(stacks[0].frames,
            (std::vector<std::string>{"/x/workload.py:12 in reader",
                                      "/usr/lib/python3.11/queue.py:171 in get"}));
  EXPECT_EQ(stacks[1].frames, std::vector<std::string>{"/x/workload.py:30 in main"});
}

TEST(StacksTest, ReadsTasksWithSourceLines) {
  const std::vector<TaskStack> stacks = ParseStacks(
      "Task 1.2 reader-1 (parked, outermost first):\n"
      "  File \"/x/workload.py\", line 12, in reader\n"
      "    data = await stream.recv(10)\n"
      "  File \"/x/helper.py\", line 3, in receive\n");
  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].task, "1.2");
  EXPECT_EQ(stacks[0].frames,
            (std::vector<std::string>{"/x/workload.py:12 in reader", "/x/helper.py:3 in receive"}));
}

TEST(StacksTest, ReadsGdbInnermostLast) {
  const std::vector<TaskStack> stacks = ParseStacks(
      "Thread 2 (Thread 0x7f01 (LWP 4711)):\n"
      "#0  0x00007f00 in epoll_wait (epfd=3) from /lib/x86_64-linux-gnu/libc.so.6\n"
      "#1  0x00007f01 in Reader (stream=...) at /x/workload.cc:12\n"
      "#2  Main () at /x/workload.cc:40\n");
  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].thread, 4711);
  EXPECT_EQ(stacks[0].frames,
            (std::vector<std::string>{"/x/workload.cc:40 in Main", "/x/workload.cc:12 in Reader",
                                      "/lib/x86_64-linux-gnu/libc.so.6 in epoll_wait"}));
}

TEST(StacksTest, ReadsFramesOfOurOwnForm) {
  const std::vector<TaskStack> stacks = ParseStacks(
      "Task main (parked, outermost first):\n  workload.py:3 in main\n  workload.py:9 in inner\n");
  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].frames,
            (std::vector<std::string>{"workload.py:3 in main", "workload.py:9 in inner"}));
}

TEST(StacksTest, SkipsWhatItDoesNotKnow) {
  EXPECT_TRUE(ParseStacks("").empty());
  EXPECT_TRUE(ParseStacks("the stacks could not be had\n\n# nonsense\n  File \"\n").empty());
}

TEST(NormalisedFrameTest, LeavesOutLinesAndFolders) {
  EXPECT_EQ(NormalisedFrame("/a/b/workload.py:12 in reader"), "workload.py:reader");
  EXPECT_EQ(NormalisedFrame("workload.cc:40 in Echo<int>(Listener)"), "workload.cc:Echo");
  EXPECT_EQ(NormalisedFrame("w.py:4 in main.<locals>.reader"), "w.py:main.<locals>.reader");
}

TEST(NormalisedFrameTest, KeepsPackagesButNotTheStandardLibrary) {
  EXPECT_EQ(NormalisedFrame("/v/lib/python3.11/site-packages/nova/api.py:1 in get"), "api.py:get");
  EXPECT_EQ(NormalisedFrame("/usr/lib/python3.11/queue.py:171 in get"), "");
  EXPECT_EQ(NormalisedFrame("/usr/lib/python3/dist-packages/nova/api.py:1 in get"), "api.py:get");
}

TEST(NormalisedFrameTest, DropsNativeRuntimes) {
  EXPECT_EQ(NormalisedFrame("/usr/include/boost/fiber/fiber.hpp:3 in boost::fibers::fiber::join"),
            "");
  EXPECT_EQ(NormalisedFrame("/lib/x86_64-linux-gnu/libc.so.6 in epoll_wait"), "");
  EXPECT_EQ(NormalisedFrame("a.cc:1 in std::thread::join"), "");
  EXPECT_EQ(NormalisedFrame("trireme-runner+0x4e41b in main"), "");
}

TEST(NormalisedFrameTest, DropsTheInterpreter) {
  for (const char* frame :
       {"Objects/longobject.c:3755 in _PyLong_Add", "../Python/ceval.c:596 in PyEval_EvalCode",
        "./Include/internal/pycore_frame.h:286 in _PyFrame_PushUnchecked",
        "python3.11+0x5339a4 in _PyEval_EvalFrameDefault"})
    EXPECT_EQ(NormalisedFrame(frame), "") << frame;
  EXPECT_EQ(NormalisedFrame("Python/tool.py:3 in work"), "tool.py:work");
  EXPECT_EQ(NormalisedFrame("/home/me/Objects/list.c:3 in Insert"), "list.c:Insert");
  EXPECT_EQ(NormalisedFrame("python3_bridge.py:3 in call"), "python3_bridge.py:call");
}

TEST(NormalisedFrameTest, LeavesOutOffsets) {
  EXPECT_EQ(NormalisedFrame("/opt/bin/server+0x1b2c in Serve(int)"), "server:Serve");
  EXPECT_EQ(NormalisedFrame("c++0x.cc:3 in main"), "c++0x.cc:main");
}

}  // namespace
}  // namespace trireme
