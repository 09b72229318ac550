#include "harness/history/jsonl.h"

#include <gtest/gtest.h>

#include "harness/history/writer.h"

namespace trireme {
namespace {

std::string PrintEvents(const std::vector<NewEvent>& events) {
  const Result<History> history = History::Parse(EncodeHistory(100, events));
  std::string out;
  PrintHistory(
      {.cell = "c", .scenario = "s", .runtime = "asyncio", .interpreter = "3.11", .trial = 4},
      *history, [&out](std::string_view line) { out += line; });
  return out;
}

constexpr std::string_view kLabel =
    R"({"cell":"c","scenario":"s","runtime":"asyncio","interpreter":"3.11","trial":4,"t":5,"process":7,"thread":8,)";

TEST(JsonlTest, PrintsAnOperation) {
  EXPECT_EQ(PrintEvents({{.kind = EventKind::kInvoke,
                          .time = 105,
                          .key = "put",
                          .value = "a\nb",
                          .id = 3,
                          .process = 7,
                          .thread = 8}}),
            std::string(kLabel) +
                R"("task":null,"event":"invoke","op":"put","id":3,"value":"a\nb"})" + "\n");
}

TEST(JsonlTest, NamesATaskByItsPath) {
  const std::string printed =
      PrintEvents({{.kind = EventKind::kTaskStart, .key = "1", .value = "main", .task = 1},
                   {.kind = EventKind::kJoin, .time = 1, .task = 1, .id = 6}});
  EXPECT_NE(printed.find(R"("task":"1","event":"task-start","name":"main","parent":null})"),
            std::string::npos);
  EXPECT_NE(printed.find(R"("task":"1","event":"join","target":"#6"})"), std::string::npos);
}

TEST(JsonlTest, PrintsTheMembersOfASocketEvent) {
  const std::string printed =
      PrintEvents({{.kind = EventKind::kSocket,
                    .value = {{"action", "recv"}, {"fd", 3}, {"cell", "not mine"}}}});
  EXPECT_NE(printed.find(R"({"cell":"c",)"), std::string::npos);
  EXPECT_NE(printed.find(R"("event":"socket","action":"recv","fd":3})"), std::string::npos);
}

TEST(JsonlTest, NamesTheTaskThatIsWaitedFor) {
  const std::string printed =
      PrintEvents({{.kind = EventKind::kTaskStart, .key = "1.1", .value = "child", .task = 2},
                   {.kind = EventKind::kWait, .time = 1, .key = "join", .value = 2, .id = 4},
                   {.kind = EventKind::kWait, .time = 2, .key = "lock", .value = 2, .id = 5}});
  EXPECT_NE(printed.find(R"("event":"wait","kind":"join","ordinal":4,"value":"1.1"})"),
            std::string::npos)
      << printed;
  EXPECT_NE(printed.find(R"("kind":"lock","ordinal":5,"value":2})"), std::string::npos) << printed;
}

TEST(JsonlTest, PrintsWhenAWaitEndsByItself) {
  const std::string printed = PrintEvents(
      {{.kind = EventKind::kDeadline, .key = "lock", .value = 5'000'000, .task = 1, .id = 7}});
  EXPECT_NE(printed.find(R"("event":"deadline","kind":"lock","ordinal":7,"value":5000000})"),
            std::string::npos)
      << printed;
}

TEST(JsonlTest, PrintsWhatWasDoneToAnObject) {
  const std::string printed = PrintEvents(
      {{.kind = EventKind::kSync, .key = "put", .value = 3, .task = 1, .id = 9},
       {.kind = EventKind::kHold, .time = 1, .key = "held", .value = {{"wall", 0.5}}},
       {.kind = EventKind::kUsage, .time = 2, .key = "process", .value = {{"rss", 4096}}}});
  EXPECT_NE(printed.find(R"("event":"sync","object":9,"action":"put","value":3})"),
            std::string::npos)
      << printed;
  EXPECT_NE(printed.find(R"("event":"hold","state":"held","value":{"wall":0.5}})"),
            std::string::npos)
      << printed;
  EXPECT_NE(printed.find(R"("event":"usage","what":"process","value":{"rss":4096}})"),
            std::string::npos)
      << printed;
}

TEST(JsonlTest, PrintsBytesThatAreNoText) {
  const std::string printed =
      PrintEvents({{.kind = EventKind::kObserve, .key = "k\xff", .value = "v\xff"}});
  EXPECT_NE(printed.find("\"key\":\"k\xEF\xBF\xBD\",\"value\":\"v\xEF\xBF\xBD\""),
            std::string::npos);
}

TEST(JsonlTest, PrintsAnEventOfALaterVersion) {
  const std::string printed =
      PrintEvents({{.kind = static_cast<EventKind>(999), .key = "k", .value = 1, .id = 2}});
  EXPECT_NE(printed.find(R"("event":"unknown","number":999,"id":2,"key":"k","value":1})"),
            std::string::npos);
}

}  // namespace
}  // namespace trireme
