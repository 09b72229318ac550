#include "harness/cli/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::Contains;
using testing::IsEmpty;

TEST(CapabilitiesTest, KnowsThoseThatScenariosAskFor) {
  EXPECT_THAT(CapabilityNames(), Contains("fork"));
  EXPECT_THAT(CapabilityNames(), Contains("ipv6"));
}

TEST(CapabilitiesTest, TriesOnlyWhatIsAskedFor) {
  const std::vector<Capability> found = ProbeCapabilities({"fork", "no-such-thing"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "fork");
  EXPECT_TRUE(found[0].available);
}

TEST(CapabilitiesTest, GivesAReasonForExactlyWhatIsMissing) {
  for (const Capability& one : ProbeCapabilities())
    EXPECT_EQ(one.available, one.reason.empty()) << one.name;
}

TEST(LimitsTest, SaysHowToMendExactlyWhatIsTooLow) {
  for (const Limit& limit : ReadLimits("/", "/nowhere/at/all"))
    EXPECT_EQ(limit.enough, limit.fix.empty()) << limit.name;
}

}  // namespace
}  // namespace trireme
