#include "harness/history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "harness/history/writer.h"
#include "tests/harness/history/recording_builder.h"

namespace trireme {
namespace {

using testing::ElementsAre;

History MustParse(const std::string& bytes) {
  Result<History> history = History::Parse(bytes);
  EXPECT_TRUE(history.ok()) << history.error().Render();
  return *std::move(history);
}

std::vector<std::string> Keys(const History& history) {
  std::vector<std::string> keys;
  for (const Event& event : history.events()) keys.emplace_back(event.key);
  return keys;
}

std::string Observe(uint64_t time, uint32_t thread, const std::string& key) {
  return EncodeTestRecord(
      {.kind = EventKind::kObserve, .time = time, .thread = thread, .key = key});
}

Json ValueOf(ValueType type, std::string_view raw) {
  return Event{.type = type, .raw = raw}.Value();
}

template <typename T>
std::string Raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

TEST(EventTest, GivesItsValueAsJson) {
  EXPECT_EQ(ValueOf(ValueType::kNone, ""), Json());
  EXPECT_EQ(ValueOf(ValueType::kInt, Raw(int64_t{-7})), Json(-7));
  EXPECT_EQ(ValueOf(ValueType::kBool, Raw(int64_t{1})), Json(true));
  EXPECT_EQ(ValueOf(ValueType::kDouble, Raw(1.5)), Json(1.5));
  EXPECT_EQ(ValueOf(ValueType::kText, "a\"b"), Json("a\"b"));
  EXPECT_EQ(ValueOf(ValueType::kJson, "{\"a\":[1]}"), Json::parse("{\"a\":[1]}"));
}

TEST(EventTest, GivesBytesAsBase64) {
  EXPECT_EQ(ValueOf(ValueType::kBytes, ""), Json(""));
  EXPECT_EQ(ValueOf(ValueType::kBytes, "f"), Json("Zg=="));
  EXPECT_EQ(ValueOf(ValueType::kBytes, "fo"), Json("Zm8="));
  EXPECT_EQ(ValueOf(ValueType::kBytes, "\xff\xfe\xfd"), Json("//79"));
}

Json Exact(ValueType type, std::string_view raw) {
  return Event{.type = type, .raw = raw}.ExactValue();
}

TEST(EventTest, PrintsAsTextWhatJsonHasOnlyTextFor) {
  EXPECT_EQ(ValueOf(ValueType::kDigits, "18446744073709551616"), Json("18446744073709551616"));
  EXPECT_EQ(ValueOf(ValueType::kMarked, R"({"a":["bAA==","tAA==","i-7","fNaN",1],"bb":null})"),
            Json::parse(R"({"a":["AA==","AA==","-7","NaN",1],"bb":null})"));
}

TEST(EventTest, TellsItFromTextWhereItIsExact) {
  EXPECT_EQ(Exact(ValueType::kBytes, "x"), Json::binary({'x'}));
  EXPECT_EQ(Exact(ValueType::kDigits, "7"), Json::binary({'7'}, kDigitsSubtype));
  EXPECT_TRUE(std::isnan(Exact(ValueType::kDouble, Raw(std::nan(""))).get<double>()));
  const Json list = Exact(ValueType::kMarked, R"(["bAA==","tAA==","i7","f-Infinity","","bx","z"])");
  EXPECT_EQ(list, (Json{Json::binary({0}), "AA==", Json::binary({'7'}, kDigitsSubtype), -HUGE_VAL,
                        "", "bx", "z"}));
  EXPECT_EQ(Exact(ValueType::kJson, R"(["bAA=="])"), Json{"bAA=="});  // of an older recorder
  EXPECT_EQ(Exact(ValueType::kText, "a\xED\xB2\x80"), Json("a\xED\xB2\x80"));
  EXPECT_EQ(Exact(ValueType::kMarked, R"(["rYf8="])"), Json{"a\xff"});
}

TEST(EventTest, TellsNamesOfMembersThatAreNoTextOrNoUtf8) {
  const std::string raw =
      R"([{"\u0000n1":{"\u0000rYe2ygA==":1},"\u0000t\u0000x":2,"\u0000r?":3,"n":4},"t"])";
  EXPECT_EQ(ValueOf(ValueType::kMarked, raw),
            Json::parse(R"([{"1":{"a\\udc80":1},"\u0000x":2,"\u0000r?":3,"n":4},""])"));
  EXPECT_EQ(Exact(ValueType::kMarked, R"({"\u0000n1":"t1"})"),
            (Json{{std::string("\0n1", 3), "1"}}));
}

TEST(EventTest, MendsWhatJsonCannotHold) {
  EXPECT_EQ(ValueOf(ValueType::kText, "a\xff"), Json("a\xEF\xBF\xBD"));
  EXPECT_EQ(ValueOf(ValueType::kText, "a\xED\xB2\x80\xED"), Json("a\\udc80\xEF\xBF\xBD"));
  EXPECT_EQ(ValueOf(ValueType::kMarked, R"(["rYe2ygA==","ta"])"), (Json{"a\\udc80", "a"}));
  EXPECT_EQ(ValueOf(ValueType::kJson, "{\"a\":"), Json("{\"a\":"));
  EXPECT_EQ(ValueOf(ValueType::kDouble, Raw(std::numeric_limits<double>::quiet_NaN())),
            Json("NaN"));
  EXPECT_EQ(ValueOf(ValueType::kDouble, Raw(-std::numeric_limits<double>::infinity())),
            Json("-Infinity"));
  EXPECT_EQ(ValueOf(ValueType::kInt, "abc"), Json(0));
}

TEST(HistoryTest, MergesThreadsByTime) {
  RecordingBuilder recording(100);
  recording.Chunk(1, Observe(110, 11, "a") + Observe(130, 11, "c")).Chunk(1, Observe(120, 12, "b"));
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("a", "b", "c"));
  EXPECT_EQ(history.events()[0].time, 10);
  EXPECT_EQ(history.events()[0].process, 1u);
  EXPECT_EQ(history.events()[1].thread, 12u);
  EXPECT_EQ(history.damage(), "");
}

TEST(HistoryTest, KeepsTheOrderOfAThreadWhoseClockWentBack) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(10, 11, "a") + Observe(5, 11, "b")).Chunk(1, Observe(7, 12, "x"));
  EXPECT_THAT(Keys(MustParse(recording.bytes())), ElementsAre("x", "a", "b"));
}

TEST(HistoryTest, KeepsTheOrderOfAThreadThatContinuesInAnEarlierChunk) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(1, 11, "a") + Observe(9, 12, "d"))
      .Chunk(1, Observe(5, 12, "b") + Observe(6, 12, "c"));
  EXPECT_THAT(Keys(MustParse(recording.bytes())), ElementsAre("a", "b", "c", "d"));
}

TEST(HistoryTest, SkipsChunksThatWereReservedAndNeverUsed) {
  RecordingBuilder recording;
  recording.Hole().Chunk(1, Observe(1, 1, "a")).Hole().Chunk(1, "");
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("a"));
  EXPECT_EQ(history.damage(), "");
}

TEST(HistoryTest, ReadsOnceWhatARecorderWasCopyingWhenItWasEnded) {
  RecordingBuilder recording;
  const std::string records = Observe(1, 1, "a") + Observe(2, 1, "b");
  recording.Chunk(1, records).Chunk(1, records).Chunk(1, Observe(1, 2, "other thread"));
  EXPECT_THAT(Keys(MustParse(recording.bytes())), ElementsAre("a", "other thread", "b"));
}

TEST(HistoryTest, ReadsARecordLargerThanAChunk) {
  RecordingBuilder recording;
  recording
      .Chunk(1, EncodeTestRecord(
                    {.kind = EventKind::kObserve, .key = "k", .value = std::string(10000, 'v')}))
      .Chunk(1, Observe(1, 1, "next"));
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("k", "next"));
  EXPECT_EQ(history.events()[0].raw.size(), 10000u);
}

TEST(HistoryTest, RefusesWhatIsNoHistory) {
  EXPECT_EQ(History::Parse("").error().message, "not a Trireme history");
  EXPECT_EQ(History::Parse(std::string(5000, 'x')).error().message, "not a Trireme history");
  EXPECT_EQ(History::Parse(RecordingBuilder().bytes().substr(0, 100)).error().message,
            "not a Trireme history");
}

TEST(HistoryTest, RefusesAnotherVersion) {
  RecordingBuilder recording;
  reinterpret_cast<trireme_header*>(recording.bytes().data())->version = 2;
  EXPECT_EQ(History::Parse(recording.bytes()).error().message,
            "history of version 2, this Trireme reads version 1");
}

TEST(HistoryTest, NamesTheFileThatItCannotRead) {
  EXPECT_EQ(History::Read("/nowhere/history.trh").error().message,
            "cannot open /nowhere/history.trh: No such file or directory");
  EXPECT_EQ(History::Read("/dev/null").error().Render(),
            "/dev/null: error: not a Trireme history\n");
}

TEST(HistoryTest, ReadsWhatPrecedesADamagedRecord) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(1, 1, "a") + Observe(2, 1, "b") + Observe(3, 1, "c"))
      .Chunk(2, Observe(4, 2, "d"));
  const size_t second = TRIREME_HEADER_SIZE + sizeof(trireme_chunk) + 48;
  recording.bytes()[second] = 1;
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("a", "d"));
  EXPECT_EQ(history.damage(), "byte 4176: no record begins here");
}

TEST(HistoryTest, ReadsOnAfterADamagedChunk) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(1, 1, "a")).Chunk(1, Observe(2, 1, "b")).Chunk(1, Observe(3, 1, "c"));
  recording.ChunkAt(0).magic = 7;
  recording.ChunkAt(1).used = 1 << 30;
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("b", "c"));
  EXPECT_EQ(history.damage(), "byte 4096: no chunk begins here, and 2 more");
}

TEST(HistoryTest, ReadsATruncatedRecording) {
  RecordingBuilder recording;
  recording.Chunk(1, Observe(1, 1, "a") + Observe(2, 1, "b"));
  recording.bytes().resize(TRIREME_HEADER_SIZE + sizeof(trireme_chunk) + 48 + 20);
  const History history = MustParse(recording.bytes());
  EXPECT_THAT(Keys(history), ElementsAre("a"));
  EXPECT_EQ(history.damage(), "byte 4096: the file ends inside a chunk, and 2 more");
}

TEST(HistoryTest, ReadsATruncatedHistory) {
  std::string bytes = EncodeHistory(0, {{.kind = EventKind::kObserve, .time = 1, .key = "a"},
                                        {.kind = EventKind::kObserve, .time = 2, .key = "b"}});
  bytes.resize(bytes.size() - 1);
  const History history = MustParse(bytes);
  EXPECT_THAT(Keys(history), ElementsAre("a"));
  EXPECT_EQ(history.damage(), "byte 4176: no record begins here");
}

// What is still a history, of other events, is no evidence of anything.
TEST(HistoryTest, KnowsWhenAByteIsNotAsItWasWritten) {
  NewEvent event{.kind = EventKind::kObserve, .time = 5, .key = "total", .value = 40};
  const std::string whole = EncodeHistory(0, {event});
  EXPECT_EQ(MustParse(whole).damage(), "");
  std::string other = whole;
  const size_t value = other.rfind(40);
  ASSERT_NE(value, std::string::npos);
  other[value] = 39;
  const History changed = MustParse(other);
  EXPECT_EQ(changed.damage(), "the file is not as it was written: its checksum is another");
  ASSERT_EQ(changed.events().size(), 1U);
  EXPECT_EQ(changed.events()[0].Value(), 39);
}

TEST(HistoryTest, NoticesAnyByteThatWasChanged) {
  NewEvent event{.kind = EventKind::kObserve, .time = 5, .key = "total", .value = 40};
  const std::string whole = EncodeHistory(0, {event});
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string other = whole;
    other[i] = static_cast<char>(other[i] ^ 0x10);
    const Result<History> history = History::Parse(other);
    EXPECT_TRUE(!history.ok() || !history->damage().empty()) << i;
  }
}

TEST(HistoryTest, SaysHowManyEventsWereLost) {
  RecordingBuilder recording;
  auto* header = reinterpret_cast<trireme_header*>(recording.bytes().data());
  header->lost = 3;
  header->lost_errno = ENOSPC;
  const History history = MustParse(recording.bytes());
  EXPECT_EQ(history.lost(), 3u);
  EXPECT_EQ(history.lost_errno(), ENOSPC);
}

TEST(HistoryTest, KnowsItsTasks) {
  const History history = MustParse(EncodeHistory(
      0, {{.kind = EventKind::kTaskStart, .time = 1, .key = "1", .value = "main", .task = 1},
          {.kind = EventKind::kTaskStart, .time = 2, .key = "1.1", .task = 2, .id = 1}}));
  ASSERT_NE(history.FindTask(2), nullptr);
  EXPECT_EQ(history.FindTask(2)->path, "1.1");
  EXPECT_EQ(history.FindTask(2)->parent, 1u);
  EXPECT_EQ(history.FindTask(2)->name, "");
  EXPECT_EQ(history.FindTask(1)->name, "main");
  EXPECT_EQ(history.FindTask(3), nullptr);
}

TEST(HistoryTest, PairsOperationsWithTheirEnds) {
  const History history = MustParse(EncodeHistory(
      100,
      {{.kind = EventKind::kInvoke, .time = 101, .key = "put", .value = 5, .task = 1, .id = 1},
       {.kind = EventKind::kInvoke, .time = 102, .key = "get", .task = 2, .id = 2},
       {.kind = EventKind::kInvoke, .time = 103, .key = "del", .task = 2, .id = 3},
       {.kind = EventKind::kFail, .time = 104, .key = "get", .value = "gone", .task = 2, .id = 2},
       {.kind = EventKind::kOk, .time = 105, .key = "put", .value = true, .task = 1, .id = 1},
       {.kind = EventKind::kOk, .time = 106, .key = "put", .value = false, .task = 1, .id = 1},
       {.kind = EventKind::kOk, .time = 107, .key = "never invoked", .id = 9}}));
  const std::vector<Operation> operations = history.Operations();
  ASSERT_EQ(operations.size(), 3u);
  EXPECT_EQ(operations[0].name, "put");
  EXPECT_EQ(operations[0].state, OperationState::kOk);
  EXPECT_EQ(operations[0].begin, 1);
  EXPECT_EQ(operations[0].end, 5);
  EXPECT_EQ(operations[0].value, Json(5));
  EXPECT_EQ(operations[0].result, Json(true));
  EXPECT_EQ(operations[1].state, OperationState::kFail);
  EXPECT_EQ(operations[1].task, 2u);
  EXPECT_EQ(operations[2].state, OperationState::kOpen);
  EXPECT_EQ(operations[2].end, INT64_MAX);
}

}  // namespace
}  // namespace trireme
