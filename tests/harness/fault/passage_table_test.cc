#include "harness/fault/passage_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>
#include <string>

#include "harness/base/file.h"
#include "harness/history/writer.h"

namespace trireme {
namespace {

constexpr uint32_t kPassages = 64;
constexpr size_t kMapped = size_t{1} << 20;

LoopbackAddress At(const std::string& text) { return *LoopbackAddress::Parse(text); }

// The probe's side of the table, as it is in another process.
class PassageTableTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = JoinPath(folder_.path(), "history.ring");
    RecordingOptions options;
    options.plan.block.routes = 1;
    options.plan.connections = 16;
    options.plan.passages = kPassages;
    ASSERT_TRUE(CreateRecording(path, options).ok());
    ASSERT_TRUE(table_.Open(path).ok());
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    file_ = static_cast<char*>(
        ::mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    ASSERT_NE(file_, MAP_FAILED);
    plan_ = reinterpret_cast<trireme_plan*>(reinterpret_cast<trireme_header*>(file_)->plan);
    auto* connections = reinterpret_cast<trireme_connection*>(file_ + plan_->connections_at);
    connections[3].number = 7;
    std::strcpy(connections[3].id, "1.2#0");
    std::strcpy(connections[3].name, "client#0");
  }
  void TearDown() override { ::munmap(file_, kMapped); }

  trireme_passage& Passage(uint32_t key, uint32_t i) {
    auto* passages = reinterpret_cast<trireme_passage*>(file_ + plan_->passages_at);
    return passages[(trireme_passage_start(key, kPassages) + i) % kPassages];
  }
  // What connect(2) does; `skipped`: how many places are taken.
  void Announce(uint16_t port, const std::string& target, uint32_t skipped = 0,
                uint64_t number = 7) {
    const uint32_t key = TRIREME_PASSAGE_USED | port;
    const LoopbackAddress address = At(target);
    trireme_passage& passage = Passage(key, skipped);
    passage = {
        .key = key, .place = 3, .number = number, .target_size = address.size(), .target = {}};
    std::memcpy(passage.target, address.get(), address.size());
  }
  // What accept(2) finds: the number of the connection, or 0.
  uint64_t Look(uint16_t port) {
    const uint32_t key = TRIREME_PASSAGE_USED | TRIREME_PASSAGE_ONWARD | port;
    for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH; ++i)
      if ((Passage(key, i).key & ~TRIREME_PASSAGE_OVER) == key) return Passage(key, i).number;
    return 0;
  }

  TemporaryDirectory folder_;
  PassageTable table_;
  char* file_ = nullptr;
  trireme_plan* plan_ = nullptr;
};

TEST_F(PassageTableTest, TellsWhereAConnectionWants) {
  Announce(4000, "127.0.0.1:5432");
  const std::optional<ProxyTarget> target = table_.Take(At("127.0.0.1:4000"));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->address.ToString(), "127.0.0.1:5432");
  EXPECT_EQ(target->id, "1.2#0");
  EXPECT_EQ(target->name, "client#0");
}

TEST_F(PassageTableTest, TellsItOnce) {
  Announce(4000, "127.0.0.1:5432");
  EXPECT_TRUE(table_.Take(At("127.0.0.1:4000")));
  EXPECT_FALSE(table_.Take(At("127.0.0.1:4000")));
}

TEST_F(PassageTableTest, KnowsNoOtherPortAndNoOtherFamily) {
  Announce(4000, "127.0.0.1:5432");
  EXPECT_FALSE(table_.Take(At("127.0.0.1:4001")));
  EXPECT_FALSE(table_.Take(At("[::1]:4000")));
}

TEST_F(PassageTableTest, FindsWhatIsNotAtItsFirstPlace) {
  Announce(4000, "127.0.0.1:5432", TRIREME_PASSAGE_REACH - 1);
  EXPECT_TRUE(table_.Take(At("127.0.0.1:4000")));
}

TEST_F(PassageTableTest, RefusesWhatIsBeyondThisMachine) {
  Announce(4000, "127.0.0.1:5432");
  trireme_passage& passage = Passage(TRIREME_PASSAGE_USED | 4000, 0);
  passage.target[4] = 10;  // 10.0.0.1
  EXPECT_FALSE(table_.Take(At("127.0.0.1:4000")));
}

TEST_F(PassageTableTest, RefusesWhatIsNoConnection) {
  Announce(4000, "127.0.0.1:5432", 0, 8);
  EXPECT_FALSE(table_.Take(At("127.0.0.1:4000")));
  Announce(4001, "127.0.0.1:5432");
  Passage(TRIREME_PASSAGE_USED | 4001, 0).place = 16;
  EXPECT_FALSE(table_.Take(At("127.0.0.1:4001")));
}

TEST_F(PassageTableTest, TellsTheServerWhoComes) {
  const ProxyTarget target{
      .address = At("127.0.0.1:5432"), .id = "", .name = "", .place = 3, .number = 7};
  table_.Enter(target, At("127.0.0.1:6000"));
  EXPECT_EQ(Look(6000), 7U);
  EXPECT_EQ(Look(6001), 0U);
  // It may look after the connection is over.
  table_.Leave(At("127.0.0.1:6000"));
  EXPECT_EQ(Look(6000), 7U);
}

TEST_F(PassageTableTest, HasRoomForMoreThanItsPlacesOneAfterTheOther) {
  ProxyTarget target{.address = At("127.0.0.1:5432"), .id = "", .name = "", .place = 3};
  for (uint16_t port = 6000; port < 6000 + 4 * kPassages; ++port) {
    target.number = port;
    const LoopbackAddress onward = At("127.0.0.1:" + std::to_string(port));
    table_.Enter(target, onward);
    EXPECT_EQ(Look(port), port);
    table_.Leave(onward);
  }
}

TEST_F(PassageTableTest, RefusesARecordingWithoutPassages) {
  const std::string path = JoinPath(folder_.path(), "other.ring");
  ASSERT_TRUE(CreateRecording(path, {}).ok());
  PassageTable other;
  const Status opened = other.Open(path);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().message, path + " has no passages for the proxy");
}

}  // namespace
}  // namespace trireme
