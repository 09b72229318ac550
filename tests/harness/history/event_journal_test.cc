#include "harness/history/event_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/check.h"
#include "harness/base/file.h"
#include "harness/history/history.h"

namespace trireme {
namespace {

class EventJournalTest : public testing::Test {
 protected:
  EventJournalTest() {
    TRIREME_CHECK(CreateRecording(recording_, {.begin_time = 100, .chunk_size = 4096}).ok());
  }

  static NewEvent Fault(int64_t time, const std::string& name) {
    return {.kind = EventKind::kFault, .time = time, .key = name, .value = "did it", .process = 7};
  }
  static std::vector<std::string> Keys(const std::string& path) {
    const Result<History> history = History::Read(path);
    TRIREME_CHECK(history.ok());
    std::vector<std::string> keys;
    for (const Event& event : history->events()) keys.emplace_back(event.key);
    return keys;
  }

  TemporaryDirectory folder_;
  const std::string recording_ = JoinPath(folder_.path(), "r");
};

TEST_F(EventJournalTest, IsReadWithARecordingThatWasLeftBehind) {
  const Result<EventJournal> journal = EventJournal::Create(recording_);
  ASSERT_TRUE(journal.ok());
  journal->Add(Fault(130, "second"));
  journal->Add(Fault(110, "first"));
  EXPECT_THAT(Keys(recording_), testing::ElementsAre("first", "second"));
  const Result<History> history = History::Read(recording_);
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->damage(), "");
  EXPECT_EQ(history->events()[0].time, 10);
  EXPECT_EQ(history->events()[0].process, 7U);
  EXPECT_EQ(history->events()[0].Value(), "did it");
}

TEST_F(EventJournalTest, LeavesOutWhatIsNotWhole) {
  const Result<EventJournal> journal = EventJournal::Create(recording_);
  ASSERT_TRUE(journal.ok());
  journal->Add(Fault(110, "whole"));
  journal->Add(Fault(120, "torn"));
  const std::string file = recording_ + ".harness";
  const std::string bytes = *ReadFile(file);
  ASSERT_TRUE(WriteFile(file, bytes.substr(0, bytes.size() - 8)).ok());
  EXPECT_THAT(Keys(recording_), testing::ElementsAre("whole"));
  ASSERT_TRUE(WriteFile(file, std::string(1000, '\xff')).ok());
  EXPECT_THAT(Keys(recording_), testing::IsEmpty());
}

// They are in it already.
TEST_F(EventJournalTest, IsNotReadWithASealedHistory) {
  const Result<EventJournal> journal = EventJournal::Create(recording_);
  ASSERT_TRUE(journal.ok());
  journal->Add(Fault(110, "once"));
  const std::string sealed = JoinPath(folder_.path(), "sealed");
  ASSERT_TRUE(SealRecording(recording_, sealed, {Fault(110, "once")}).ok());
  ASSERT_TRUE(WriteFile(sealed + ".harness", *ReadFile(recording_ + ".harness")).ok());
  EXPECT_THAT(Keys(sealed), testing::ElementsAre("once"));
}

TEST_F(EventJournalTest, IsGoneWhenItIsRemoved) {
  ASSERT_TRUE(EventJournal::Create(recording_).ok());
  EventJournal::Remove(recording_);
  EventJournal::Remove(recording_);
  EXPECT_FALSE(ReadFile(recording_ + ".harness").ok());
}

}  // namespace
}  // namespace trireme
