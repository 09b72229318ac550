#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "harness/base/file.h"
#include "harness/history/recording_watch.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

const trireme_probe_api& MomentsProbe() { return *trireme_probe(TRIREME_PROBE_ABI); }

void RecordMoment(uint16_t kind, const std::string& key) {
  MomentsProbe().record(kind, 0, key.data(), static_cast<uint32_t>(key.size()), TRIREME_NONE,
                        nullptr, 0);
}

class MomentsTest : public testing::Test {
 protected:
  // The second operation of that name is the moment of fault 1.
  void SetUp() override {
    trireme_moment moment{
        .key = "step", .key_size = 4, .kind = TRIREME_INVOKE, .count = 2, .fault = 1};
    CompiledPlan plan;
    plan.moments = {moment};
    ASSERT_TRUE(CreateRecording(path_, {.plan = plan}).ok());
    ASSERT_EQ(MomentsProbe().attach(path_.c_str()), 0);
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  RecordingWatch watch_{path_};
};

TEST_F(MomentsTest, WhoComesToOneWaitsUntilItMayPass) {
  std::atomic<bool> passed = false;
  std::thread task([&] {
    RecordMoment(TRIREME_INVOKE, "step");
    RecordMoment(TRIREME_INVOKE, "step");
    passed = true;
  });
  while (!watch_.HasCome(1)) std::this_thread::yield();
  EXPECT_FALSE(passed);
  watch_.LetPass();
  task.join();
  RecordMoment(TRIREME_INVOKE, "step");  // the third waits for nobody
}

TEST_F(MomentsTest, NobodyWaitsAtWhatIsNone) {
  RecordMoment(TRIREME_INVOKE, "step");
  RecordMoment(TRIREME_OBSERVE, "step");
  RecordMoment(TRIREME_OK, "step");
  RecordMoment(TRIREME_INVOKE, "steps");
  RecordMoment(TRIREME_INVOKE, "ste");
  EXPECT_FALSE(watch_.HasCome(1));
}

}  // namespace
}  // namespace trireme
