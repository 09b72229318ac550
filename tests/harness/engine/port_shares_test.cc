#include "harness/engine/port_shares.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(PortSharesTest, GivesNoTwoTrialsTheSamePort) {
  int end = 0;
  for (size_t slot = 0; slot < 8; ++slot) {
    const PortRange share = ShareOfPorts(slot, 8);
    ASSERT_GT(share.count, 0);
    EXPECT_GE(share.first, end);
    EXPECT_EQ(share.count % 2, 0);
    end = share.first + share.count;
  }
  EXPECT_LE(end, 65536 + 1);  // behind the last that is given
}

TEST(PortSharesTest, GivesNoneWhereThereAreTooFew) {
  EXPECT_EQ(ShareOfPorts(0, 10'000).count, 0);
}

}  // namespace
}  // namespace trireme
