#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"
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

// Byte 5 of the connection that the glob means is the moment of fault 1.
class ByteMomentsTest : public testing::Test {
 protected:
  void Begin(const std::string& connection, uint64_t count = 1) {
    trireme_moment moment{
        .kind = TRIREME_MOMENT_BYTE, .count = count, .offset = 5, .fault = 1};
    connection.copy(moment.key, sizeof(moment.key) - 1);
    CompiledPlan plan;
    plan.moments = {moment};
    plan.connections = 16;
    ASSERT_TRUE(CreateRecording(path_, {.plan = plan}).ok());
    ASSERT_EQ(MomentsProbe().attach(path_.c_str()), 0);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    left_ = UniqueFd(ends[0]);
    right_ = UniqueFd(ends[1]);
  }

  ssize_t Send(const std::string& bytes) const {
    return ::send(left_.get(), bytes.data(), bytes.size(), 0);
  }
  // What can be read at once.
  ssize_t Receive() const {
    char bytes[64];
    return ::recv(right_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  RecordingWatch watch_{path_};
  UniqueFd left_, right_;
};

TEST_F(ByteMomentsTest, WhoMovesTheByteMovesNoMoreAndWaitsUntilItMayPass) {
  Begin("");
  std::atomic<ssize_t> sent = 0;
  std::thread task([&] {
    EXPECT_EQ(Send("012"), 3);
    sent = Send("3456789");
  });
  while (!watch_.HasCome(1)) std::this_thread::yield();
  EXPECT_EQ(sent, 0);
  watch_.LetPass();
  task.join();
  EXPECT_EQ(sent, 3);
  EXPECT_EQ(Receive(), 6);
  EXPECT_EQ(Send("6789"), 4);
  EXPECT_EQ(Receive(), 4);
}

// Who reads may be back before who wrote.
TEST_F(ByteMomentsTest, BothEndsWaitWhicheverComesFirst) {
  Begin("", /*count=*/2);
  ASSERT_EQ(::syscall(SYS_write, left_.get(), "012345", 6), 6);  // by number: nobody sees it
  std::atomic<ssize_t> received = 0, sent = 0;
  std::thread reader([&] { received = Receive(); });
  std::thread writer([&] { sent = Send("0123456789"); });
  while (!watch_.HasCome(1)) std::this_thread::yield();
  EXPECT_EQ(received, 0);
  EXPECT_EQ(sent, 0);
  watch_.LetPass();
  reader.join();
  writer.join();
  EXPECT_EQ(received, 6);
  EXPECT_EQ(sent, 6);
}

TEST_F(ByteMomentsTest, NobodyWaitsBeforeTheByte) {
  Begin("");
  EXPECT_EQ(Send("01234"), 5);
  EXPECT_EQ(Receive(), 5);
  EXPECT_FALSE(watch_.HasCome(1));
}

TEST_F(ByteMomentsTest, NobodyWaitsOnAnotherConnection) {
  Begin("another#*");
  EXPECT_EQ(Send("0123456789"), 10);
  EXPECT_EQ(Receive(), 10);
  EXPECT_FALSE(watch_.HasCome(1));
}

}  // namespace
}  // namespace trireme
