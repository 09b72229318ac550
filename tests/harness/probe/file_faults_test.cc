// Faults on what a program does with files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/faults_fixture.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class FileFaultsTest : public FaultsFixture {
 protected:
  void TearDown() override {
    ::unlink(file_.c_str());
    FaultsFixture::TearDown();
  }
  UniqueFd Open() const {
    return UniqueFd(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  // The disk is full once, when so much of the file is written.
  static trireme_fault_rule FullOnceAt(uint64_t offset) {
    trireme_fault_rule rule = At(Error(TRIREME_CALL_WRITE, ENOSPC), offset);
    rule.total = 1;
    return rule;
  }

  const std::string file_ = path_ + ".file";
};

TEST_F(FileFaultsTest, FailsTheThirdWriteOfAFile) {
  Begin({FullOnceAt(8)});
  const UniqueFd fd = Open();
  EXPECT_EQ(::write(fd.get(), "0123", 4), 4);
  EXPECT_EQ(::write(fd.get(), "4567", 4), 4);
  EXPECT_EQ(::write(fd.get(), "89ab", 4), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(::write(fd.get(), "89ab", 4), 4);
  EXPECT_THAT(Faults(), ElementsAre("write 1@0 client write 8 {\"error\":\"ENOSPC\"}"));
}

TEST_F(FileFaultsTest, FailsAWriteAtAPositionOfAFile) {
  Begin({FullOnceAt(4)});
  const UniqueFd fd = Open();
  EXPECT_EQ(::pwrite(fd.get(), "0123", 4, 100), 4);
  EXPECT_EQ(::pwrite(fd.get(), "4567", 4, 200), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(::pwrite(fd.get(), "4567", 4, 200), 4);
  EXPECT_THAT(Faults(), ElementsAre("write 1@0 client write 4 {\"error\":\"ENOSPC\"}"));
}

TEST_F(FileFaultsTest, CutsManyPiecesAtAPositionOfAFile) {
  trireme_fault_rule rule = At(Rule(TRIREME_CALL_READ, TRIREME_DO_SHORT), 0);
  rule.amount = 3;
  Begin({rule});
  const UniqueFd fd = Open();
  ASSERT_EQ(::write(fd.get(), "01234567", 8), 8);
  std::array<char, 2> first{};
  std::array<char, 6> second{};
  std::array<iovec, 2> parts = {{{first.data(), first.size()}, {second.data(), second.size()}}};
  EXPECT_EQ(::preadv(fd.get(), parts.data(), 2, 1), 3);
  EXPECT_EQ(std::string(first.data(), 2) + second[0], "123");
  EXPECT_EQ(::preadv(fd.get(), parts.data(), 2, 0), 8);
  EXPECT_THAT(Faults(), ElementsAre("read 1@0 client read 0 {\"short\":3}"));
}

// As the runtime of a sanitizer does while it looks whether memory can be read.
TEST_F(FileFaultsTest, ANumberThatWasClosedUnseenIsNoPipeAnyMore) {
  ASSERT_TRUE(std::ofstream(file_) << "01234567");
  trireme_fault_rule rule = At(Rule(TRIREME_CALL_READ, TRIREME_DO_SHORT), 0);
  rule.amount = 3;
  const auto make_pipe = [] {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    for (const int end : ends) CloseUnseen(end);
    return ends;
  };
  Begin({rule});
  std::array<char, 8> bytes{};
  {
    const std::array<int, 2> ends = make_pipe();
    const UniqueFd fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(fd.get(), ends[0]);
    EXPECT_EQ(::read(fd.get(), bytes.data(), 8), 8);
  }
  {
    const std::array<int, 2> ends = make_pipe();
    FILE* stream = std::fopen(file_.c_str(), "re");
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(::fileno(stream), ends[0]);
    EXPECT_EQ(::read(::fileno(stream), bytes.data(), 8), 8);
    std::fclose(stream);
  }
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(FileFaultsTest, FailsToOpenAStream) {
  trireme_fault_rule rule = Error(TRIREME_CALL_OPEN, EMFILE);
  rule.total = 2;
  Begin({rule});
  EXPECT_EQ(std::fopen(file_.c_str(), "we"), nullptr);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_FALSE(std::ofstream(file_).is_open());
  EXPECT_TRUE(std::ofstream(file_).is_open());
  EXPECT_TRUE(std::ifstream(file_).is_open());
  EXPECT_THAT(Faults(), SizeIs(2));
}

TEST_F(FileFaultsTest, FailsAWriteOfAStreamUntilThatIsClosed) {
  Begin({FullOnceAt(4)});
  EXPECT_TRUE((std::ofstream(file_) << "0123").flush());
  {
    const UniqueFd reused(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::write(reused.get(), "4567", 4), 4);
  }
  std::ofstream stream(file_);
  EXPECT_TRUE((stream << "0123").flush());
  EXPECT_FALSE((stream << "4567").flush());
  EXPECT_THAT(Faults(), ElementsAre("write 1@2 client write 4 {\"error\":\"ENOSPC\"}"));
}

}  // namespace
}  // namespace trireme
