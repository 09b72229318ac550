#include "harness/cli/suppressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SuppressionsTest : public testing::Test {
 protected:
  Status Add(const std::string& text, bool shipped = false) {
    EXPECT_TRUE(WriteFileAtomically(path_, text).ok());
    return suppressions_.Add(path_, "2026-06-15", shipped);
  }
  std::string Error(const std::string& text) {
    const Status status = Add(text);
    return status.ok() ? "" : status.error().message;
  }
  static Finding Token(const std::vector<std::string>& stack,
                       const std::string& kind = "shared-token") {
    return {.check = "multiple-readers",
            .kind = kind,
            .participants = {{.task = "other", .stack = {"app.py:1 in main"}},
                             {.task = "one", .stack = stack}}};
  }

  TemporaryDirectory folder_;
  std::string path_ = JoinPath(folder_.path(), "known.yaml");
  Suppressions suppressions_;
};

constexpr const char* kMutex =
    "- kind: shared-token\n  frames: ['*/pipe_mutex.py:*']\n  reason: a lock\n";

TEST_F(SuppressionsTest, LeavesAloneWhatMatchesKindAndFrames) {
  ASSERT_TRUE(Add(kMutex).ok());
  EXPECT_FALSE(suppressions_.Suppress(Token({"lib/other.py:3 in acquire"})));
  EXPECT_FALSE(
      suppressions_.Suppress(Token({"lib/pipe_mutex.py:3 in acquire"}, "multiple-readers")));
  EXPECT_THAT(suppressions_.Unused(), ElementsAre(path_ + ":1: a lock: nothing matched it"));
  EXPECT_TRUE(suppressions_.Suppress(Token({"lib/pipe_mutex.py:3 in acquire"})));
  EXPECT_THAT(suppressions_.Unused(), IsEmpty());
  EXPECT_EQ(suppressions_.suppressed(), 1);
}

TEST_F(SuppressionsTest, WantsAFrameForEachGlob) {
  ASSERT_TRUE(Add("- {kind: shared-token, frames: ['*in acquire', 'app.py:*'], reason: r}\n").ok());
  EXPECT_TRUE(suppressions_.Suppress(Token({"x.py:1 in acquire"})));
  EXPECT_FALSE(suppressions_.Suppress(Token({"x.py:1 in release"})));
}

TEST_F(SuppressionsTest, ExpiresOnItsDay) {
  const std::string entry = "- {kind: shared-token, frames: ['*'], reason: r, expires: ";
  ASSERT_TRUE(Add(entry + "2026-06-15}\n").ok());
  EXPECT_FALSE(suppressions_.Suppress(Token({"x"})));
  EXPECT_THAT(suppressions_.Unused(), ElementsAre(HasSubstr("r: expired on 2026-06-15")));
  ASSERT_TRUE(Add(entry + "2026-06-16}\n").ok());
  EXPECT_TRUE(suppressions_.Suppress(Token({"x"})));
}

TEST_F(SuppressionsTest, SaysNothingOfShippedOnes) {
  ASSERT_TRUE(Add(kMutex, true).ok());
  EXPECT_THAT(suppressions_.Unused(), IsEmpty());
}

TEST_F(SuppressionsTest, TakesAFileWhoseEntriesAreAllGone) {
  EXPECT_EQ(Error(""), "");
  EXPECT_EQ(Error("# once there was one\n\n"), "");
  EXPECT_THAT(suppressions_.all(), IsEmpty());
}

TEST_F(SuppressionsTest, WantsAFrame) {
  EXPECT_THAT(Error("- {kind: leak, frames: [], reason: r}"), HasSubstr("'frames' names no frame"));
  EXPECT_EQ(Error("- {kind: leak, frames: ['*'], reason: r}"), "");
}

TEST_F(SuppressionsTest, PointsAtWhatIsWrong) {
  EXPECT_THAT(Error("- {kind: shared-tokn, frames: ['*'], reason: r}\n"), HasSubstr("shared-tokn"));
  EXPECT_THAT(Error("- {kind: crash, frames: ['*'], reason: r}\n"),
              HasSubstr("'crash' cannot be suppressed"));
  EXPECT_THAT(Error("- {kind: shared-token, frames: ['*']}\n"), HasSubstr("needs 'reason'"));
  EXPECT_THAT(Error("- {kind: shared-token, frames: '*', reason: r}\n"), HasSubstr("'frames'"));
  EXPECT_THAT(Error("- {kind: shared-token, frames: ['*'], reason: r, until: 3}\n"),
              HasSubstr("until"));
  EXPECT_THAT(Error("- {kind: shared-token, frames: ['*'], reason: r, expires: soon}\n"),
              HasSubstr("'expires' is no day"));
  EXPECT_THAT(Error("kind: shared-token\n"), HasSubstr("list"));
  const Status missing = suppressions_.Add("/no/such/file", "2026-06-15", false);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/file"));
}

TEST(ShippedSuppressionsTest, AreRead) {
  Suppressions shipped;
  EXPECT_TRUE(shipped.Add(TRIREME_SOURCE "/scenarios/suppressions.yaml", "2026-06-15", true).ok());
}

TEST(ShippedSuppressionsTest, LeaveUwsgisSignalsAloneAndNotWhatElseItsThreadsRead) {
  Suppressions shipped;
  ASSERT_TRUE(shipped.Add(TRIREME_SOURCE "/scenarios/suppressions.yaml", "2026-06-15", true).ok());
  const auto found_in = [](const std::string& frame) {
    return Finding{.check = "multiple-readers",
                   .kind = "multiple-readers",
                   .participants = {{.task = "", .stack = {}}, {.task = "", .stack = {frame}}}};
  };
  EXPECT_TRUE(shipped.Suppress(found_in("uwsgi in event_queue_add_fd_read")));
  EXPECT_FALSE(shipped.Suppress(found_in("uwsgi in uwsgi_simple_wait_read_hook")));
  EXPECT_FALSE(shipped.Suppress(found_in("server in event_queue_add_fd_read")));
}

}  // namespace
}  // namespace trireme
