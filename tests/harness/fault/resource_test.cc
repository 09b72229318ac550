#include "harness/fault/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Result<ResourceFault> ReadWith(const Json& members) {
  return ReadResourceFault({.name = "short", .seed = {}, .key = "resource", .members = members});
}

std::string ErrorOfLimit(const Json& members) {
  const Result<ResourceFault> read = ReadWith(members);
  return read.ok() ? "no error" : read.error().message;
}

TEST(ResourceFaultTest, AcceptsEachLimitAndSeveral) {
  const Result<ResourceFault> fault =
      ReadWith({{"nofile", 24}, {"disk", 4096}, {"after", 1}, {"for", 2}});
  ASSERT_TRUE(fault.ok());
  EXPECT_EQ(fault->nofile, 24U);
  EXPECT_EQ(fault->disk, 4096U);
  EXPECT_FALSE(fault->memory || fault->stack || fault->threads || fault->cpu);
  EXPECT_EQ(fault->after, 1);
  EXPECT_EQ(fault->duration, 2);
}

TEST(ResourceFaultTest, RejectsAFaultThatLimitsNothing) {
  EXPECT_EQ(ErrorOfLimit({{"after", 1}}), "short: it limits nothing");
  EXPECT_EQ(ErrorOfLimit({{"nofile", 24}, {"for", 0}}), "short: a limit `for` no time is none");
}

TEST(ResourceFaultTest, AcceptsTheLeastAndRejectsLess) {
  EXPECT_TRUE(ReadWith({{"nofile", 3}}).ok());
  for (const int nofile : {0, 2})
    EXPECT_EQ(ErrorOfLimit({{"nofile", nofile}}),
              "short: nothing runs with " + std::to_string(nofile) +
                  " descriptors: the standard streams are three");
  EXPECT_TRUE(ReadWith({{"threads", 1}}).ok());
  EXPECT_EQ(ErrorOfLimit({{"threads", 0}}),
            "short: the trial's own process has a thread: `threads` is at least 1");
  EXPECT_TRUE(ReadWith({{"threads", 4194303}}).ok());
  EXPECT_EQ(ErrorOfLimit({{"threads", 4194304}}),
            "short: `threads: 4194304` is no shortage: a system has at most 4194304");
  EXPECT_TRUE(ReadWith({{"stack", 65536}}).ok());
  EXPECT_EQ(ErrorOfLimit({{"stack", 65535}}),
            "short: no thread starts with a stack of 65535 bytes");
  EXPECT_TRUE(ReadWith({{"memory", 65536}}).ok());
  for (const int memory : {0, 1, 65535})
    EXPECT_EQ(
        ErrorOfLimit({{"memory", memory}}),
        "short: no process runs with addresses of " + std::to_string(memory) + " bytes");
  EXPECT_TRUE(ReadWith({{"disk", 4096}}).ok());
  for (const int disk : {0, 4095})
    EXPECT_EQ(ErrorOfLimit({{"disk", disk}}),
              "short: no disk holds " + std::to_string(disk) + " bytes");
}

TEST(ResourceFaultTest, AcceptsAsMuchLoadAsTheHarnessBears) {
  EXPECT_TRUE(ReadWith({{"cpu", 64}}).ok());
  for (const int cpu : {0, 65}) {
    EXPECT_EQ(ErrorOfLimit({{"cpu", cpu}}),
              "short: `cpu` is how many threads compete for processors, from 1 to 64");
  }
}

TEST(ResourceFaultTest, SaysWhatTheMachineMustAllow) {
  EXPECT_THAT(CapabilitiesOf(*ReadWith({{"threads", 4}, {"disk", 4096}})),
              ElementsAre("thread-limit", "small-disk"));
  EXPECT_THAT(CapabilitiesOf(*ReadWith({{"cpu", 4}, {"nofile", 4}})), IsEmpty());
}

}  // namespace
}  // namespace trireme
