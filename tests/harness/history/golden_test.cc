// The files in golden/ are never rewritten: each version that was ever written must stay readable.
// To add one for a new version: TRIREME_WRITE_GOLDEN=1 history_test --gtest_filter='Golden*'.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "harness/base/file.h"
#include "harness/history/history.h"
#include "harness/history/jsonl.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"
#include "tests/harness/history/golden_events.h"

namespace trireme {
namespace {

const std::string kGolden = TRIREME_GOLDEN_FOLDER;

std::string Print(const History& history) {
  const TrialLabel label{
      .cell = "patterns.client-thread-1f0c", .scenario = "patterns/client", .runtime = "thread"};
  std::string out;
  PrintHistory(label, history, [&out](std::string_view line) { out += line; });
  return out;
}

bool Writing() { return std::getenv("TRIREME_WRITE_GOLDEN") != nullptr; }

void ExpectToRead(const std::string& file, const std::string& printed) {
  const Result<History> history = History::Read(kGolden + file);
  ASSERT_TRUE(history.ok()) << history.error().Render();
  EXPECT_EQ(history->damage(), "");
  EXPECT_EQ(history->lost(), 0u);
  if (Writing()) {
    ASSERT_TRUE(WriteFile(kGolden + printed, Print(*history)).ok());
  }
  const Result<std::string> expected = ReadFile(kGolden + printed);
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(Print(*history), *expected);
}

// Version 1 had none at first. Who does not know it takes it for the padding of the header.
std::string WithoutChecksum(std::string bytes) {
  const uint64_t none = 0;
  std::memcpy(bytes.data() + offsetof(trireme_header, checksum), &none, sizeof(none));
  return bytes;
}

void ExpectToWrite(const std::vector<NewEvent>& events, const std::string& file) {
  const std::string bytes = WithoutChecksum(EncodeHistory(kGoldenBegin, events));
  if (Writing()) {
    ASSERT_TRUE(WriteFile(kGolden + file, bytes).ok());
  }
  const Result<std::string> expected = ReadFile(kGolden + file);
  ASSERT_TRUE(expected.ok());
  EXPECT_TRUE(bytes == *expected) << "the layout changed: raise TRIREME_HISTORY_VERSION";
}

TEST(GoldenTest, WritesVersion1AsEver) { ExpectToWrite(GoldenEvents(), "/v1.trh"); }

TEST(GoldenTest, ReadsVersion1) { ExpectToRead("/v1.trh", "/v1.jsonl"); }

// Kinds that version 1 had from when faults were injected.
TEST(GoldenTest, WritesFaultsOfVersion1AsEver) {
  ExpectToWrite(GoldenFaultEvents(), "/v1-faults.trh");
}

TEST(GoldenTest, ReadsFaultsOfVersion1) { ExpectToRead("/v1-faults.trh", "/v1-faults.jsonl"); }

// Left behind by a process that had threads, forked, wrote a value larger than a chunk, and was
// killed.
TEST(GoldenTest, ReadsARecordingOfVersion1) { ExpectToRead("/v1.ring", "/v1.ring.jsonl"); }

}  // namespace
}  // namespace trireme
