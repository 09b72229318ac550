#include "harness/engine/output_capture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

class OutputCaptureTest : public ::testing::Test {
 protected:
  // What is kept of `parts`, each read before the next is written.
  std::string Capture(const std::vector<std::string>& parts, CaptureLimits limits) {
    OutputCapture capture(path_, limits);
    Result<UniqueFd> end = capture.Open();
    TRIREME_CHECK(end.ok());
    for (const std::string& part : parts) {
      EXPECT_EQ(::write(end->get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
      EXPECT_TRUE(capture.Read(1 << 20));
    }
    end->Reset();
    EXPECT_FALSE(capture.Read(1 << 20));
    capture.Finish();
    capture.Finish();  // the trial does when it is ended, and again when it is gone
    bytes_ = capture.bytes();
    dropped_ = capture.dropped();
    const Result<std::string> kept = ReadFile(path_);
    return kept.ok() ? *kept : "none";
  }

  TemporaryDirectory directory_;
  std::string path_ = JoinPath(directory_.path(), "stdout");
  uint64_t bytes_ = 0;
  uint64_t dropped_ = 0;
};

TEST_F(OutputCaptureTest, MakesNoFileOfNothing) { EXPECT_EQ(Capture({}, {}), "none"); }

TEST_F(OutputCaptureTest, KeepsEverythingUpToItsLimits) {
  EXPECT_EQ(Capture({"0123", "4567", "89"}, {.head = 4, .tail = 6}), "0123456789");
  EXPECT_EQ(dropped_, 0U);
}

TEST_F(OutputCaptureTest, DropsOneByteMore) {
  EXPECT_EQ(Capture({"0123", "4567", "89a"}, {.head = 4, .tail = 6}),
            "0123\n[trireme: what came here is left out]\n56789a\n"
            "[trireme: 1 of 11 bytes were dropped after the first 4]\n");
  EXPECT_EQ(bytes_, 11U);
  EXPECT_EQ(dropped_, 1U);
}

TEST_F(OutputCaptureTest, CountsWhatAFloodDrops) {
  const std::vector<std::string> flood(100, std::string(1000, 'x'));
  Capture(flood, {.head = 10, .tail = 10});
  EXPECT_EQ(bytes_, 100'000U);
  EXPECT_EQ(dropped_, 99'980U);
}

TEST_F(OutputCaptureTest, GoesOnReadingWhenItsFileCannotBeWritten) {
  OutputCapture capture("/proc/nonexistent/stdout");
  Result<UniqueFd> end = capture.Open();
  ASSERT_TRUE(end.ok());
  ASSERT_EQ(::write(end->get(), "lost", 4), 4);
  EXPECT_TRUE(capture.Read(1 << 20));
  EXPECT_FALSE(capture.status().ok());
  EXPECT_EQ(capture.bytes(), 4U);
}

}  // namespace
}  // namespace trireme
