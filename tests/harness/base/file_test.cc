#include "harness/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace trireme {
namespace {

class FileTest : public ::testing::Test {
 protected:
  std::string At(const std::string& name) const { return JoinPath(folder_.path(), name); }

  TemporaryDirectory folder_;
};

TEST_F(FileTest, ReadsNoPipe) {
  ASSERT_EQ(::mkfifo(At("pipe").c_str(), 0600), 0);
  const Result<std::string> text = ReadFile(At("pipe"));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().message, "cannot read " + At("pipe") + ": it is a pipe");
}

TEST_F(FileTest, RegularIsWhatALinkNames) {
  ASSERT_TRUE(WriteFile(At("file"), "x").ok());
  std::filesystem::create_symlink("file", At("link"));
  EXPECT_TRUE(IsRegularFile(At("file")));
  EXPECT_TRUE(IsRegularFile(At("link")));
  EXPECT_FALSE(IsRegularFile(folder_.path()));
  EXPECT_FALSE(IsRegularFile("/dev/null"));
  EXPECT_FALSE(IsRegularFile(At("none")));
}

TEST_F(FileTest, OutputReplacesAFileButNotALink) {
  ASSERT_TRUE(WriteOutput(At("file"), "one").ok());
  std::filesystem::create_symlink("file", At("link"));
  ASSERT_TRUE(WriteOutput(At("link"), "two").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(At("link")));
  EXPECT_EQ(*ReadFile(At("file")), "two");
}

TEST_F(FileTest, OutputSaysThatADeviceIsFull) {
  std::filesystem::create_symlink("/dev/full", At("full"));
  const Status written = WriteOutput(At("full"), "x");
  ASSERT_FALSE(written.ok());
  EXPECT_TRUE(written.error().message.ends_with("No space left on device"))
      << written.error().message;
}

}  // namespace
}  // namespace trireme
