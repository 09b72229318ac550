#include "harness/history/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/file.h"
#include "tests/harness/history/recording_builder.h"

namespace trireme {
namespace {

class WriterTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return JoinPath(folder_.path(), name); }
  void Write(const std::string& name, const std::string& bytes) const {
    ASSERT_TRUE(WriteFile(Path(name), bytes).ok());
  }

  static std::string Observe(uint64_t time, const std::string& key) {
    return EncodeTestRecord({.kind = EventKind::kObserve, .time = time, .thread = 1, .key = key});
  }

  TemporaryDirectory folder_;
};

TEST_F(WriterTest, CreatesARecordingBackedByDisk) {
  ASSERT_TRUE(CreateRecording(
                  Path("r"),
                  {.begin_time = 5, .chunk_size = 4096, .chunks = 2, .objects = 65, .plan = "plan"})
                  .ok());
  const Result<std::string> bytes = ReadFile(Path("r"));
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), (1 + 2 + 2) * 4096u);  // header, objects, chunks
  const Result<History> history = History::Read(Path("r"));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->begin_time(), 5);
  EXPECT_TRUE(history->events().empty());
}

TEST_F(WriterTest, LeavesAnExistingFileAlone) {
  Write("r", "mine");
  EXPECT_EQ(CreateRecording(Path("r"), {}).error().message,
            "cannot create " + Path("r") + ": File exists");
  EXPECT_EQ(*ReadFile(Path("r")), "mine");
}

TEST_F(WriterTest, FindsTheNewestEvent) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(10, "a")).Hole().Chunk(1, Observe(30, "b")).Chunk(1, Observe(20, "c"));
  recording.ChunkAt(0).newest = 10;
  recording.ChunkAt(2).newest = 30;
  recording.ChunkAt(3).newest = 20;
  Write("r", recording.bytes());
  EXPECT_EQ(NewestEventTime(Path("r")), 30);
}

TEST_F(WriterTest, FindsNoNewestEventWhereThereIsNone) {
  Write("r", RecordingBuilder().Hole().bytes());
  EXPECT_EQ(NewestEventTime(Path("r")), 0);
  EXPECT_EQ(NewestEventTime(Path("absent")), 0);
}

TEST_F(WriterTest, SealsARecording) {
  Write("r", RecordingBuilder(100).Hole().Chunk(7, Observe(110, "a")).bytes());
  const Json value = {{"code", 0}};
  ASSERT_TRUE(
      SealRecording(Path("r"), Path("s"),
                    {{.kind = EventKind::kExit, .time = 120, .key = "exited", .value = value}})
          .ok());
  EXPECT_THAT(ListDirectory(folder_.path()), testing::ElementsAre("s"));
  EXPECT_EQ(NewestEventTime(Path("s")), 120);
  const Result<History> history = History::Read(Path("s"));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->damage(), "");
  ASSERT_EQ(history->events().size(), 2u);
  EXPECT_EQ(history->events()[0].key, "a");
  EXPECT_EQ(history->events()[0].process, 7u);
  EXPECT_EQ(history->events()[1].kind, EventKind::kExit);
  EXPECT_EQ(history->events()[1].time, 20);
  EXPECT_EQ(history->events()[1].Value(), value);
}

TEST_F(WriterTest, KeepsADamagedRecordingBesideItsHistory) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(1, "a")).Chunk(1, Observe(2, "b"));
  recording.ChunkAt(0).magic = 9;
  Write("r", recording.bytes());
  ASSERT_TRUE(SealRecording(Path("r"), Path("s"), {}).ok());
  EXPECT_THAT(ListDirectory(folder_.path()), testing::ElementsAre("r.damaged", "s"));
  const Result<History> history = History::Read(Path("s"));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->events().size(), 1u);
  EXPECT_EQ(history->damage(), "byte 4096: no chunk begins here");
}

TEST_F(WriterTest, KeepsTheRecordingWhenTheHistoryCannotBeWritten) {
  Write("r", RecordingBuilder().Chunk(1, Observe(1, "a")).bytes());
  EXPECT_FALSE(SealRecording(Path("r"), Path("absent/s"), {}).ok());
  EXPECT_THAT(ListDirectory(folder_.path()), testing::ElementsAre("r"));
}

TEST_F(WriterTest, RefusesToSealWhatIsNoRecording) {
  Write("r", "nothing");
  EXPECT_EQ(SealRecording(Path("r"), Path("s"), {}).error().Render(),
            Path("r") + ": error: not a Trireme history\n");
}

TEST(EncodeHistoryTest, KeepsEveryKindOfValue) {
  const std::vector<Json> values = {
      Json(), true, false, -1, 1.25, "text", Json::array({1, "a"}), uint64_t{1} << 63};
  std::vector<NewEvent> events;
  for (const Json& value : values)
    events.push_back({.kind = EventKind::kObserve, .key = "k", .value = value});
  const Result<History> history = History::Parse(EncodeHistory(0, events));
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->events().size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(history->events()[i].Value(), values[i]);
}

}  // namespace
}  // namespace trireme
