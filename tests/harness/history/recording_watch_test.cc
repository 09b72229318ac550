#include "harness/history/recording_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

constexpr uint64_t kChunkSize = 8192;

// A recording of which the test writes what the probe counts.
class RecordingWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { Create({}); }

  void Create(const CompiledPlan& plan) {
    ::unlink(path_.c_str());
    ASSERT_TRUE(
        CreateRecording(path_, {.chunk_size = kChunkSize, .objects = 0, .plan = plan}).ok());
    fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  }

  void Write(uint64_t offset, const void* bytes, size_t size) const {
    ASSERT_EQ(::pwrite(fd_.get(), bytes, size, static_cast<off_t>(offset)),
              static_cast<ssize_t>(size));
  }

  trireme_plan Block() const {
    trireme_plan block{};
    const Result<std::string> bytes = ReadFile(path_, 1 << 20);
    EXPECT_TRUE(bytes.ok());
    std::memcpy(&block, bytes->data() + offsetof(trireme_header, plan), sizeof(block));
    return block;
  }

  // Of each moment.
  std::vector<uint32_t> Passed() const {
    const Result<std::string> bytes = ReadFile(path_, 1 << 20);
    std::vector<uint32_t> passed;
    for (uint32_t i = 0; i < Block().moments; ++i) {
      trireme_moment moment{};
      std::memcpy(&moment, bytes->data() + Block().moments_at + i * sizeof(moment), sizeof(moment));
      passed.push_back(moment.passed);
    }
    return passed;
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  RecordingWatch watch_{path_};

 private:
  UniqueFd fd_;
};

TEST_F(RecordingWatchTest, KnowsWhenAMomentHasComeAndLetsItPass) {
  CompiledPlan plan;
  plan.moments = {{.count = 1, .fault = 1}, {.count = 3, .fault = 4}};
  Create(plan);
  const uint64_t place = Block().moments_at + sizeof(trireme_moment);
  const auto see = [&](uint64_t count) {
    Write(place + offsetof(trireme_moment, seen), &count, sizeof(count));
  };
  see(2);
  EXPECT_FALSE(watch_.HasCome(4));
  see(3);
  EXPECT_TRUE(watch_.HasCome(4));
  EXPECT_EQ(Passed(), (std::vector<uint32_t>{0, 0}));
  watch_.LetPass();
  EXPECT_EQ(Passed(), (std::vector<uint32_t>{0, 1}));
}

TEST_F(RecordingWatchTest, SeesNothingWhereThereIsNoRecording) {
  ::unlink(path_.c_str());
  RecordingWatch none(path_);
  EXPECT_FALSE(none.HasCome(1));
  none.LetPass();
}

}  // namespace
}  // namespace trireme
