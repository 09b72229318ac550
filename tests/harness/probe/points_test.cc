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
  // A task of that path and name, which the other one spawns.
  static uint32_t Spawn(uint32_t parent, const std::string& path, const std::string& name) {
    const uint32_t task = PointsProbe().new_task();
    PointsProbe().record_for(task, TRIREME_TASK_START, parent, path.data(),
                             static_cast<uint32_t>(path.size()), TRIREME_TEXT, name.data(),
                             static_cast<uint32_t>(name.size()));
    return task;
  }
  // Whether it is struck at its first point.
  static int Come(uint32_t task, const char* path, const char* name) {
    PointsProbe().set_task(task);
    return PointsProbe().point(path, name, 1);
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

trireme_task_fault FirstTwo(const std::string& task) {
  trireme_task_fault fault = FaultAt(task, 0);
  fault.limit = 2;
  return fault;
}

TEST_F(PointsTest, HitsTheFirstThatWereSpawnedInWhateverOrderTheyCome) {
  AttachWith({FirstTwo("reader-*")});
  const uint32_t main = Spawn(0, "1", "main");
  Spawn(main, "1.1", "writer");
  const uint32_t first = Spawn(main, "1.2", "reader-1");
  const uint32_t second = Spawn(main, "1.3", "reader-2");
  const uint32_t third = Spawn(main, "1.4", "reader-3");
  EXPECT_EQ(Come(third, "1.4", "reader-3"), 0);
  EXPECT_EQ(Come(second, "1.3", "reader-2"), 1);
  EXPECT_EQ(Come(first, "1.2", "reader-1"), 1);
}

TEST_F(PointsTest, TheFirstToComeIsNoneOfThemWhereItWasSpawnedLater) {
  AttachWith({FirstTwo("*")});
  const uint32_t main = Spawn(0, "1", "main");
  Spawn(main, "1.1", "a");
  const uint32_t late = Spawn(main, "1.2", "b");
  EXPECT_EQ(Come(late, "1.2", "b"), 0);
  EXPECT_EQ(Come(main, "1", "main"), 1);
}

// Which of two is born first, that two tasks spawn, is a matter of the schedule: neither is before the other.
TEST_F(PointsTest, CountsThoseOfEachSpawningTaskByThemselves) {
  for (const bool other_first : {false, true}) {
    path_ = JoinPath(folder_.path(), other_first ? "b.ring" : "a.ring");
    AttachWith({FirstTwo("reader-*")});
    const uint32_t main = Spawn(0, "1", "main");
    const uint32_t left = Spawn(main, "1.1", "reader-1");
    const uint32_t right = Spawn(main, "1.2", "group");
    const uint32_t a = other_first ? 0 : Spawn(left, "1.1.1", "reader-2");
    const uint32_t b = Spawn(right, "1.2.1", "reader-3");
    const uint32_t c = Spawn(right, "1.2.2", "reader-4");
    const uint32_t d = other_first ? Spawn(left, "1.1.1", "reader-2") : a;
    EXPECT_EQ(Come(c, "1.2.2", "reader-4"), 0);
    EXPECT_EQ(Come(b, "1.2.1", "reader-3"), 1);
    EXPECT_EQ(Come(d, "1.1.1", "reader-2"), 1);
    EXPECT_EQ(Come(left, "1.1", "reader-1"), 1);
  }
}

TEST_F(PointsTest, AfterAWhileItHitsThoseThatCome) {
  trireme_task_fault fault = FaultAt("*", 0);
  fault.limit = 1;
  fault.after = 1;
  AttachWith({fault});
  const uint32_t main = Spawn(0, "1", "main");
  EXPECT_EQ(Come(Spawn(main, "1.1", "a"), "1.1", "a"), 1);
  EXPECT_EQ(Come(Spawn(main, "1.2", "b"), "1.2", "b"), 0);
  EXPECT_EQ(Come(main, "1", "main"), 0);
}

TEST_F(PointsTest, OnlyNotesEachPointOfASweep) {
  trireme_task_fault fault = FaultAt("reader-*", 0);
  fault.how = TRIREME_TASK_NOTED;
  AttachWith({fault});
  EXPECT_THAT(Walk("1.1", "writer", 2), ElementsAre(0, 0));
  EXPECT_THAT(Walk("1.2", "reader-1", 3), ElementsAre(0, 0, 0));
  std::vector<Json> points;
  for (const Json& one : Applied()) points.push_back(one.at("value").at("point"));
  EXPECT_THAT(points, ElementsAre(1, 2, 3));
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
