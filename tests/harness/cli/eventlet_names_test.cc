#include "harness/cli/eventlet_names.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(EventletNamesTest, AreComparedWithoutOwnerAndCase) {
  EXPECT_EQ(PlainName("eventlet.GreenPool"), "greenpool");
  EXPECT_EQ(PlainName(" rt.connect"), "connect");
}

TEST(EventletNamesTest, FindEachNameOfARow) {
  EXPECT_EQ(NamesOfFeature("listen, rt.connect"), (std::vector<std::string>{"listen", "connect"}));
  EXPECT_EQ(NamesOfFeature("Stream.recv"), (std::vector<std::string>{"stream.recv", "recv"}));
}

TEST(EventletNamesTest, SayWhatToUseInstead) {
  for (const EventletName& name : EventletNames())
    EXPECT_FALSE(name.api.empty() && name.text.empty()) << name.name;
}

}  // namespace
}  // namespace trireme
