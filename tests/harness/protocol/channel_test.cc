#include "harness/protocol/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trireme {
namespace {

TEST(ChannelTest, CarriesAMessageAndItsDescriptors) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  auto& [left, right] = *pair;
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(left.Send({{"type", "load"}, {"runtime", "fiber"}}, {null.get(), null.get()}).ok());
  auto packet = right.Receive();
  ASSERT_TRUE(packet.ok());
  ASSERT_TRUE(packet->has_value());
  EXPECT_EQ(GetString((*packet)->message, "runtime"), "fiber");
  EXPECT_EQ((*packet)->descriptors.size(), 2U);
}

TEST(ChannelTest, TellsTheEndFromAnError) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  pair->first.Close();
  auto packet = pair->second.Receive();
  ASSERT_TRUE(packet.ok());
  EXPECT_FALSE(packet->has_value());
}

TEST(ChannelTest, RefusesWhatIsNoMessage) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  for (const std::string text : {"\xff\xfe", "[1]", "{}", "{\"type\": 3}", "{\"type\": \"x\""}) {
    ASSERT_GT(::send(pair->first.fd(), text.data(), text.size(), 0), 0);
    EXPECT_FALSE(pair->second.Receive().ok()) << text;
  }
}

TEST(ChannelTest, RefusesAPacketThatIsTooLong) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  EXPECT_FALSE(pair->first.Send({{"type", std::string(kMaxPacket, 'x')}}).ok());
}

TEST(ChannelTest, ReportsAPeerThatIsGone) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  pair->second.Close();
  EXPECT_FALSE(pair->first.Send({{"type", "stop"}}).ok());
}

}  // namespace
}  // namespace trireme
