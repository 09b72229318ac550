// The fuzz target under mutations with a fixed seed, so that every build runs it; history_fuzz goes
// on from there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "tests/fuzz/history_target.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

constexpr uint64_t kInteresting[] = {
    0, 1, 7, 31, 40, 4096, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, INT64_MAX, 0x4b4e4843};

// Overwrites, flips, cuts, repeats: a few at once, most of them near the headers, where they hurt.
std::string Mutate(std::string bytes, Rng& rng) {
  for (uint64_t count = 1 + rng.Below(4); count > 0 && bytes.size() > 16; --count) {
    const size_t at = rng.Below(bytes.size() - 8) & ~uint64_t{rng.Below(2) * 7};
    const uint64_t value = kInteresting[rng.Below(std::size(kInteresting))];
    switch (rng.Below(5)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.Below(8)));
        break;
      case 1:
        std::memcpy(bytes.data() + at, &value, 4);
        break;
      case 2:
        std::memcpy(bytes.data() + at, &value, 8);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes += bytes.substr(at, rng.Below(256));
        break;
    }
  }
  return bytes;
}

void MutateMany(const std::string& file, int count) {
  const Result<std::string> original = ReadFile(TRIREME_GOLDEN_FOLDER "/" + file);
  ASSERT_TRUE(original.ok());
  Rng rng(1);
  for (int i = 0; i < Rounds(count); ++i) ReadAnyHistory(Mutate(*original, rng));
}

TEST(HistoryMutationTest, ReadsAnyHistory) { MutateMany("v1.trh", 20000); }

TEST(HistoryMutationTest, ReadsAnyRecording) { MutateMany("v1.ring", 5000); }

TEST(HistoryMutationTest, ReadsEveryPrefix) {
  for (const char* file : {"v1.trh", "v1.ring"}) {
    const std::string bytes = *ReadFile(std::string(TRIREME_GOLDEN_FOLDER "/") + file);
    for (size_t size = 0; size < bytes.size(); size += 1 + size / 512)
      ReadAnyHistory(bytes.substr(0, size));
  }
}

}  // namespace
}  // namespace trireme
