// Two threads that read one stream at once without waiting, as those that share an edge-triggered set do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/probe/waits_case.h"

namespace trireme {
namespace {

using testing::AllOf;
using testing::Each;
using testing::IsEmpty;
using testing::Not;

class OverlapTest : public WaitsTest {
 protected:
  // Two threads read what is sent, until some have met or `rounds` are over; `lock`: one after the other.
  std::vector<std::string> MeetingsOf(int first_fd, int second_fd, bool lock, int rounds) {
    std::mutex turn;
    std::atomic<bool> done = false;
    const auto read = [&](int fd) {
      std::array<char, 4096> bytes{};
      while (!done) {
        std::unique_lock<std::mutex> held(turn, std::defer_lock);
        if (lock) held.lock();
        ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
      }
    };
    std::thread first(read, first_fd), second(read, second_fd);
    const std::vector<char> bytes(65536, 'x');
    std::vector<std::string> met;
    for (int round = 0; met.empty() && round < rounds; ++round) {
      for (int sent = 0; sent < 100; ++sent) ::send(theirs_.get(), bytes.data(), bytes.size(), 0);
      met = Meetings();
    }
    done = true;
    first.join();
    second.join();
    return met;
  }
};

// As often as it takes: the two are nearly always inside.
TEST_F(OverlapTest, TwoCallsAtOnceAreTwoReaders) {
  const UniqueFd copy(::dup(ours_.get()));
  EXPECT_THAT(MeetingsOf(ours_.get(), copy.get(), /*lock=*/false, /*rounds=*/1 << 20),
              AllOf(Not(IsEmpty()), Each("second-reader: 0 while 0")));
  EXPECT_EQ(GetString(last_, "how"), "overlap");
  EXPECT_FALSE(TextsOf(GetMember(last_, "stack")).empty());
  EXPECT_FALSE(TextsOf(GetMember(last_, "other_stack")).empty());
}

TEST_F(OverlapTest, CallsThatALockKeepsApartAreNot) {
  EXPECT_THAT(MeetingsOf(ours_.get(), ours_.get(), /*lock=*/true, /*rounds=*/20), IsEmpty());
}

TEST_F(OverlapTest, CallsOfTwoSocketsAreNot) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const UniqueFd other(ends[0]), others_peer(ends[1]);
  EXPECT_THAT(MeetingsOf(ours_.get(), other.get(), /*lock=*/false, /*rounds=*/20), IsEmpty());
}

}  // namespace
}  // namespace trireme
