#include "harness/cli/progress.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t Now() const override { return now_; }
  int64_t WallNow() const override { return now_; }
  void Advance(int64_t nanoseconds) { now_ += nanoseconds; }

 private:
  int64_t now_ = 1;
};

class ProgressTest : public testing::Test {
 protected:
  ProgressTest() {
    for (int i = 0; i < 2; ++i) {
      PlannedCell cell;
      cell.trials = {0, 1};
      plan_.cells.push_back(cell);
    }
  }

  Progress Make(Progress::Mode mode, size_t columns = 80) {
    return Progress(plan_,
                    {.mode = mode,
                     .columns = columns,
                     .write = [this](std::string_view text) { said_ += text; }},
                    clock_);
  }

  Plan plan_;
  FakeClock clock_;
  std::string said_;
};

TEST_F(ProgressTest, SaysALineEveryTenSeconds) {
  Progress progress = Make(Progress::Mode::kLines);
  progress.Finished(0, false);
  progress.Finished(0, true);
  clock_.Advance(10 * kNanosecondsPerSecond);
  progress.Tick();
  clock_.Advance(9 * kNanosecondsPerSecond);
  progress.Tick();
  EXPECT_EQ(said_, "trireme: 1 of 2 cells, 2 of 4 trials, 0.2/s, 10s left, 1 failed\n");
}

TEST_F(ProgressTest, DrawsABarThatFitsItsLine) {
  Progress progress = Make(Progress::Mode::kBar, 40);
  progress.Finished(1, false);
  progress.Finished(0, false);
  clock_.Advance(kNanosecondsPerSecond);
  progress.Tick();
  EXPECT_EQ(said_, "\r[==========          ] 0 of 2 cells, 2 \x1b[K");
}

TEST_F(ProgressTest, LeavesOutTrialsThatNeverCome) {
  Progress progress = Make(Progress::Mode::kLines);
  progress.GaveUp(0);
  progress.Finished(0, false);
  progress.Finished(1, false);
  clock_.Advance(10 * kNanosecondsPerSecond);
  progress.Tick();
  EXPECT_EQ(said_, "trireme: 1 of 2 cells, 1 of 2 trials, 0.1/s, 10s left, 0 failed\n");
}

TEST_F(ProgressTest, SaysNothingWhenItShallNot) {
  Progress progress = Make(Progress::Mode::kNone);
  clock_.Advance(60 * kNanosecondsPerSecond);
  progress.Tick();
  progress.Clear();
  EXPECT_EQ(said_, "");
}

}  // namespace
}  // namespace trireme
