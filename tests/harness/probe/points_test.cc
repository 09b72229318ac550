#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

using testing::ElementsAre;

const trireme_probe_api& PointsProbe() { return *trireme_probe(TRIREME_PROBE_ABI); }

trireme_task_fault FaultAt(const std::string& task, uint64_t ordinal) {
  trireme_task_fault fault{};
  std::strcpy(fault.task, task.c_str());
  fault.ordinal = ordinal;
  fault.fault = 7;
  return fault;
}

class PointsTest : public testing::Test {
 protected:
  ~PointsTest() override { PointsProbe().set_task(0); }

  // The recording has a plan with these faults from now on.
  void AttachWith(const std::vector<trireme_task_fault>& faults, int64_t begin_time = 0) {
    ASSERT_TRUE(CreateRecording(path_, {.begin_time = begin_time}).ok());
    trireme_plan plan{};
    plan.version = TRIREME_PLAN_VERSION;
    for (const trireme_task_fault& fault : faults) plan.task[plan.tasks++] = fault;
    const uint32_t size = sizeof(plan);
    const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::pwrite(fd, &plan, size, offsetof(trireme_header, plan)), ssize_t{size});
    ASSERT_EQ(::pwrite(fd, &size, sizeof(size), offsetof(trireme_header, plan_size)),
              ssize_t{sizeof(size)});
    ::close(fd);
    ASSERT_EQ(PointsProbe().attach(path_.c_str()), 0);
  }
  // What a new task of that path and name is told at its points 1 to `count`.
  static std::vector<int> Walk(const char* path, const char* name, uint64_t count) {
    PointsProbe().set_task(PointsProbe().new_task());
    std::vector<int> told;
    for (uint64_t ordinal = 1; ordinal <= count; ++ordinal)
      told.push_back(PointsProbe().point(path, name, ordinal));
    return told;
  }
  std::vector<Json> Applied() const {
    const Result<History> history = History::Read(path_);
    std::vector<Json> found;
    for (const Event& event : history->events())
      if (event.kind == EventKind::kFault)
        found.push_back({{"id", event.id}, {"key", event.key}, {"value", event.Value()}});
    return found;
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
};

TEST_F(PointsTest, WithoutAPlanNoTaskIsStopped) {
  ASSERT_TRUE(CreateRecording(path_, {}).ok());
  ASSERT_EQ(PointsProbe().attach(path_.c_str()), 0);
  EXPECT_EQ(PointsProbe().point("", "", 0), 0);
  EXPECT_THAT(Walk("1.1", "reader-1", 2), ElementsAre(0, 0));
}

TEST_F(PointsTest, StopsATaskAtItsPointAndRecordsIt) {
  AttachWith({FaultAt("reader-*", 2)});
  EXPECT_EQ(PointsProbe().point("", "", 0), 1);
  EXPECT_THAT(Walk("1.1", "writer", 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(Walk("1.2", "reader-1", 3), ElementsAre(0, 1, 0));
  EXPECT_THAT(
      Applied(),
      ElementsAre(Json{{"id", 7},
                       {"key", ""},
                       {"value", {{"do", {{"cancel", true}}}, {"point", 2}, {"task", "1.2"}}}}));
}

TEST_F(PointsTest, FindsATaskByItsPathToo) {
  AttachWith({FaultAt("1.[0-9]", 1)});
  EXPECT_THAT(Walk("1.2.1", "a", 1), ElementsAre(0));
  EXPECT_THAT(Walk("1.2", "a", 1), ElementsAre(1));
}

TEST_F(PointsTest, ATimeoutIsToldApart) {
  trireme_task_fault fault = FaultAt("*", 1);
  fault.how = 1;
  AttachWith({fault});
  EXPECT_THAT(Walk("1", "main", 1), ElementsAre(2));
  EXPECT_EQ(Applied().at(0).at("value").at("do"), Json({{"timeout", true}}));
}

TEST_F(PointsTest, ATaskSuffersAFaultOnce) {
  AttachWith({FaultAt("*", 0)});
  EXPECT_THAT(Walk("1", "main", 3), ElementsAre(1, 0, 0));
  EXPECT_THAT(Walk("1.1", "task", 3), ElementsAre(1, 0, 0));
}

TEST_F(PointsTest, NoMoreTasksThanTheFaultMayHit) {
  trireme_task_fault fault = FaultAt("*", 0);
  fault.limit = 1;
  AttachWith({fault});
  EXPECT_THAT(Walk("1", "main", 2), ElementsAre(1, 0));
  EXPECT_THAT(Walk("1.1", "task", 2), ElementsAre(0, 0));
}

TEST_F(PointsTest, NotBeforeItsTime) {
  trireme_task_fault late = FaultAt("*", 0);
  late.after = UINT64_MAX;
  trireme_task_fault past = FaultAt("*", 0);
  past.after = 1;
  past.fault = 8;
  AttachWith({late, past});
  EXPECT_THAT(Walk("1", "main", 2), ElementsAre(1, 0));
  EXPECT_EQ(Applied().at(0).at("id"), 8);
}

TEST_F(PointsTest, AnotherRecordingForgetsWhoWasHit) {
  AttachWith({FaultAt("*", 1)});
  EXPECT_THAT(Walk("1", "main", 1), ElementsAre(1));
  path_ = JoinPath(folder_.path(), "second.ring");
  AttachWith({FaultAt("*", 1)});
  EXPECT_THAT(Walk("1", "main", 1), ElementsAre(1));
}

}  // namespace
}  // namespace trireme
