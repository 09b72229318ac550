#include "harness/history/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

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
  ASSERT_TRUE(
      CreateRecording(Path("r"), {.begin_time = 5, .chunk_size = 4096, .chunks = 2, .objects = 65})
          .ok());
  const Result<std::string> bytes = ReadFile(Path("r"));
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), (1 + 2 + 2) * 4096u);  // header, objects, chunks
  const Result<History> history = History::Read(Path("r"));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->begin_time(), 5);
  EXPECT_TRUE(history->events().empty());
}

TEST_F(WriterTest, PutsAPlanBehindTheObjects) {
  CompiledPlan plan;
  plan.rules = {{.seed = 17}, {.seed = 18}};
  plan.names = {"cut", std::string(60, 'n')};
  plan.connections = 8;
  ASSERT_TRUE(
      CreateRecording(Path("r"), {.chunk_size = 4096, .chunks = 2, .objects = 65, .plan = plan})
          .ok());
  const std::string bytes = *ReadFile(Path("r"));
  trireme_header header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  ASSERT_EQ(header.plan_size, sizeof(trireme_plan));
  trireme_plan block{};
  std::memcpy(&block, static_cast<const void*>(header.plan), sizeof(block));
  EXPECT_EQ(block.version, uint32_t{TRIREME_PLAN_VERSION});
  EXPECT_EQ(block.next_connection, 1U);
  ASSERT_EQ(block.rules, 2U);
  ASSERT_EQ(block.connections, 8U);
  const uint64_t objects_end = 4096 + 65 * sizeof(trireme_object);
  EXPECT_GE(block.names_at, objects_end);
  EXPECT_GE(block.rules_at, block.names_at + 2 * TRIREME_FAULT_NAME);
  EXPECT_GE(block.connections_at, block.rules_at + 2 * sizeof(trireme_fault_rule));
  const uint64_t tables_end = block.connections_at + 8 * sizeof(trireme_connection);
  EXPECT_LE(tables_end, 4096 + header.next_chunk * 4096) << "no process may claim their chunks";
  EXPECT_EQ(bytes.size(), 4096 + (header.next_chunk + 2) * 4096) << "all of it is backed";
  trireme_fault_rule second{};
  std::memcpy(&second, bytes.data() + block.rules_at + sizeof(second), sizeof(second));
  EXPECT_EQ(second.seed, 18U);
  EXPECT_STREQ(bytes.data() + block.names_at, "cut");
  EXPECT_STREQ(bytes.data() + block.names_at + TRIREME_FAULT_NAME, std::string(47, 'n').c_str());
}

// Bytes of a table that look like a chunk are none.
TEST_F(WriterTest, ReadsNothingOfAPlansTables) {
  CompiledPlan plan;
  plan.rules.resize(40);
  for (trireme_fault_rule& rule : plan.rules)
    std::fill(std::begin(rule.name), std::end(rule.name), '\1');
  plan.connections = 64;
  ASSERT_TRUE(CreateRecording(Path("r"), {.chunk_size = 4096, .plan = plan}).ok());
  EXPECT_EQ(NewestEventTime(Path("r")), 0);
  const Result<History> history = History::Read(Path("r"));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->damage(), "");
  ASSERT_TRUE(SealRecording(Path("r"), Path("sealed"), {}).ok());
  EXPECT_EQ(History::Read(Path("sealed"))->damage(), "");
  EXPECT_LT(ReadFile(Path("sealed"))->size(), 2U * 4096);
}

TEST_F(WriterTest, HasNoPlanWhereThereIsNothingToDecide) {
  ASSERT_TRUE(CreateRecording(Path("r"), {}).ok());
  trireme_header header{};
  std::memcpy(&header, ReadFile(Path("r"))->data(), sizeof(header));
  EXPECT_EQ(header.plan_size, 0U);
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

// A recording may be larger than what was claimed of it, by a hole that would take long to look through: so what is there
// is not looked at.
TEST_F(WriterTest, LooksForTheNewestEventOnlyInWhatWasClaimed) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(10, "a")).Chunk(1, Observe(30, "b"));
  recording.ChunkAt(0).newest = 10;
  recording.ChunkAt(1).newest = 30;
  recording.header().next_chunk = 1;
  Write("r", recording.bytes());
  EXPECT_EQ(NewestEventTime(Path("r")), 10);
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

TEST(EncodeHistoryTest, KeepsNamesThatBeginWithAMark) {
  const Json value = {{"a", {{std::string("\0n1", 3), "text"}}}};
  const std::vector<NewEvent> events = {{.kind = EventKind::kObserve, .key = "k", .value = value}};
  const Result<History> history = History::Parse(EncodeHistory(0, events));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->events()[0].ExactValue(), value);
  EXPECT_EQ(history->events()[0].Value(), Json::parse(R"({"a":{"1":"text"}})"));
}

}  // namespace
}  // namespace trireme
