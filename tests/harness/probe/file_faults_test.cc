// Faults on what a program does with files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
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

class IgnoredSignal {
 public:
  explicit IgnoredSignal(int signal) : signal_(signal), before_(::signal(signal, SIG_IGN)) {}
  ~IgnoredSignal() { ::signal(signal_, before_); }
  IgnoredSignal(const IgnoredSignal&) = delete;
  IgnoredSignal& operator=(const IgnoredSignal&) = delete;

 private:
  int signal_;
  sighandler_t before_;
};

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

  // As of any file, which the harness writes too: once.
  static trireme_fault_rule FailsWriteOnceAt(int error, uint64_t offset) {
    trireme_fault_rule rule = At(Error(TRIREME_CALL_WRITE, error), offset);
    rule.total = 1;
    return rule;
  }

  const std::string file_ = path_ + ".file";
};

// As when its reader is gone: no later write gets through, whichever descriptor it is made on.
TEST_F(FileFaultsTest, APipeIsBrokenFromEPIPEOn) {
  Begin({FailsWriteOnceAt(EPIPE, 4)});
  const IgnoredSignal broken_pipe(SIGPIPE);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]), copy(::dup(ends[1]));
  EXPECT_EQ(::write(in.get(), "012345", 6), 4);
  for (const int fd : {in.get(), in.get(), copy.get()}) {
    EXPECT_EQ(::write(fd, "45", 2), -1);
    EXPECT_EQ(errno, EPIPE);
  }
  in.Reset();
  copy.Reset();
  char bytes[9];
  EXPECT_EQ(::read(out.get(), bytes, sizeof(bytes)), 4) << "what got through before is there";
  EXPECT_EQ(::read(out.get(), bytes, sizeof(bytes)), 0);
  EXPECT_EQ(Faults().size(), 1U);
}

TEST_F(FileFaultsTest, APipeIsWholeAfterAnotherError) {
  Begin({FailsWriteOnceAt(ENOMEM, 4)});
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  EXPECT_EQ(::write(in.get(), "012345", 6), 4);
  EXPECT_EQ(::write(in.get(), "45", 2), -1);
  EXPECT_EQ(::write(in.get(), "45", 2), 2);
}

// With the signal that the kernel sends, from the first write on.
TEST_F(FileFaultsTest, EPIPEOfAPipeComesWithItsSignal) {
  Begin({FailsWriteOnceAt(EPIPE, 0)});
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    int ends[2];
    if (::pipe(ends) == 0) ::write(ends[1], "x", 1);
    ::_exit(7);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) << status;
}

// A file has no reader that could be gone.
TEST_F(FileFaultsTest, AFileIsWholeAfterEPIPE) {
  Begin({FailsWriteOnceAt(EPIPE, 0)});
  const UniqueFd fd = Open();
  EXPECT_EQ(::write(fd.get(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(::write(fd.get(), "x", 1), 1);
}

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
