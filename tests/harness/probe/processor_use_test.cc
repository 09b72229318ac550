// When the probe notes what the process has used of a processor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

using testing::ElementsAre;

const trireme_probe_api& ProcessorApi() { return *trireme_probe(TRIREME_PROBE_ABI); }

void RecordProcessorEvent(trireme_event kind, const std::string& key) {
  ProcessorApi().record_for(1, kind, 1, key.data(), static_cast<uint32_t>(key.size()), TRIREME_NONE,
                            nullptr, 0);
}

// A trial that begins, suffers two faults, and goes on.
std::vector<std::string> EventsOfATrial(uint32_t flags) {
  const std::string path = testing::TempDir() + "processor." + std::to_string(::getpid());
  RecordingOptions options;
  options.plan.block.flags = flags;
  EXPECT_TRUE(CreateRecording(path, options).ok());
  EXPECT_EQ(ProcessorApi().attach(path.c_str()), 0);
  RecordProcessorEvent(TRIREME_BEGIN, "begin");
  for (const char* name : {"cut", "reset"}) RecordProcessorEvent(TRIREME_FAULT, name);
  RecordProcessorEvent(TRIREME_FAIL, "lost");
  RecordProcessorEvent(TRIREME_OK, "done");
  Result<History> history = History::Read(path);
  EXPECT_TRUE(history.ok());
  std::vector<std::string> events;
  int64_t used = 0;
  for (const Event& event : history->events()) {
    events.emplace_back(event.key);
    if (event.kind != EventKind::kUsage) continue;
    EXPECT_GT(event.Value().get<int64_t>(), used);
    EXPECT_EQ(event.task, 0U);
    used = event.Value().get<int64_t>();
  }
  ::unlink(path.c_str());
  return events;
}

TEST(ProcessorUseTest, IsNotedAtTheFirstFaultAndWhatIsAcknowledgedAfterIt) {
  EXPECT_THAT(
      EventsOfATrial(TRIREME_PLAN_PROCESSOR),
      ElementsAre("begin", "processor", "cut", "processor", "reset", "lost", "done", "processor"));
}

TEST(ProcessorUseTest, IsNotNotedUnlessThePlanAsksForIt) {
  EXPECT_THAT(EventsOfATrial(0), ElementsAre("begin", "cut", "reset", "lost", "done"));
}

}  // namespace
}  // namespace trireme
