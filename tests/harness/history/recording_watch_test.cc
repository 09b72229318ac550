#include "harness/history/recording_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "harness/base/file.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kChunkSize = 8192;

// A recording whose first chunk the test writes, as a thread of the trial does.
class RecordingWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { Create({}); }

  void Create(const CompiledPlan& plan) {
    ::unlink(path_.c_str());
    ASSERT_TRUE(
        CreateRecording(path_, {.chunk_size = kChunkSize, .objects = 0, .plan = plan}).ok());
    fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  }

  void Append(EventKind kind, uint64_t id, const std::string& key) {
    const size_t size = (sizeof(trireme_record) + key.size() + 7) & ~size_t{7};
    const trireme_record record{.size = static_cast<uint32_t>(size),
                                .kind = static_cast<uint16_t>(kind),
                                .time = ++time_,
                                .id = id,
                                .key_size = static_cast<uint32_t>(key.size())};
    std::string bytes(reinterpret_cast<const char*>(&record), sizeof(record));
    bytes += key;
    bytes.resize(size);
    Write(kChunk + sizeof(trireme_chunk) + used_, bytes.data(), bytes.size());
    used_ += size;
    WriteChunk();
  }
  // As a thread does that has copied its records to another place.
  void Empty() {
    used_ = 0;
    WriteChunk();
  }

  // "op 3" for each event that the next look finds.
  std::vector<std::string> Look() {
    std::vector<std::string> seen;
    watch_.Look([&](const RecordingWatch::Seen& event) {
      seen.push_back(std::string(event.key) + " " + std::to_string(event.id));
    });
    return seen;
  }

  void Write(uint64_t offset, const void* bytes, size_t size) const {
    ASSERT_EQ(::pwrite(fd_.get(), bytes, size, static_cast<off_t>(offset)),
              static_cast<ssize_t>(size));
  }

  static constexpr uint64_t kChunk = TRIREME_HEADER_SIZE;
  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "history.ring");
  RecordingWatch watch_{path_};

 private:
  void WriteChunk() const {
    const trireme_chunk chunk{
        .magic = TRIREME_CHUNK_MAGIC, .process = 1, .capacity = kChunkSize, .used = used_};
    Write(kChunk, &chunk, sizeof(chunk));
  }

  UniqueFd fd_;
  uint64_t used_ = 0;
  uint64_t time_ = 0;
};

TEST_F(RecordingWatchTest, SeesEachEventOnce) {
  EXPECT_THAT(Look(), IsEmpty());
  Append(EventKind::kInvoke, 1, "get");
  Append(EventKind::kObserve, 0, "ready");
  EXPECT_THAT(Look(), ElementsAre("get 1", "ready 0"));
  EXPECT_THAT(Look(), IsEmpty());
  Append(EventKind::kInvoke, 2, "put");
  EXPECT_THAT(Look(), ElementsAre("put 2"));
}

TEST_F(RecordingWatchTest, SeesWhatAnEmptiedChunkHoldsNow) {
  Append(EventKind::kInvoke, 1, "get");
  Look();
  Empty();
  Append(EventKind::kInvoke, 2, "get");
  EXPECT_THAT(Look(), ElementsAre("get 2"));
  Empty();
  Append(EventKind::kInvoke, 3, "get");
  Append(EventKind::kInvoke, 4, "get");  // more than before: its size does not tell
  EXPECT_THAT(Look(), ElementsAre("get 3", "get 4"));
}

TEST_F(RecordingWatchTest, SeesNothingWhereThereIsNoRecording) {
  ::unlink(path_.c_str());
  RecordingWatch none(path_);
  none.Look([](const RecordingWatch::Seen&) { ADD_FAILURE(); });
  EXPECT_FALSE(none.HasMoved("", 0));
}

TEST_F(RecordingWatchTest, KnowsWhichByteOfWhichConnectionHasMoved) {
  EXPECT_FALSE(watch_.HasMoved("", 0)) << "without a plan no connection is followed";
  CompiledPlan plan;
  plan.connections = 4;
  Create(plan);
  trireme_plan block{};
  const Result<std::string> bytes = ReadFile(path_, 1 << 20);
  ASSERT_TRUE(bytes.ok());
  std::memcpy(&block, bytes->data() + offsetof(trireme_header, plan), sizeof(block));
  trireme_connection connection{};
  connection.key = 7;
  connection.moved[1][0] = 100;  // bytes 0 to 99, read by the server
  std::memcpy(connection.id, "1.2#0", 6);
  std::memcpy(connection.name, "client-3#0", 11);
  Write(block.connections_at + 2 * sizeof(connection), &connection, sizeof(connection));
  const auto moved = [this](const std::string& pattern, uint64_t offset) {
    return RecordingWatch(path_).HasMoved(pattern, offset);
  };
  EXPECT_TRUE(moved("", 99));
  EXPECT_FALSE(moved("", 100));
  EXPECT_TRUE(moved("1.2#0", 99));
  EXPECT_TRUE(moved("client-*#0", 99));
  EXPECT_FALSE(moved("client-*#1", 99));
}

}  // namespace
}  // namespace trireme
