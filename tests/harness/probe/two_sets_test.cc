// One socket in two epoll sets, each with a thread of its own: the calls of this program are the probe's, which is linked
// before the C library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/unique_fd.h"
#include "tests/harness/probe/waits_case.h"

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A thread with a set of its own, which waits there but while it is asked to do something.
class Loop {
 public:
  Loop() : set_(::epoll_create1(EPOLL_CLOEXEC)), asks_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    // Before it waits there: until something is in it, a set is not known.
    Register(set_.get(), asks_.get());
    sleeper_ = std::make_unique<Sleeper>([this] { Run(); });
  }
  void AwaitWait() const { sleeper_->AwaitSleep(kEpollWait); }
  ~Loop() { Do({}); }

  int set() const { return set_.get(); }
  // Returns once it has done so and waits again. An empty one ends it.
  void Do(std::function<void()> what) {
    AwaitWait();
    what_ = std::move(what);
    std::latch done(1);
    done_ = &done;
    EXPECT_EQ(::eventfd_write(asks_.get(), 1), 0);
    done.wait();
    if (what_) AwaitWait();
  }

 private:
  void Run() {
    for (bool goes_on = true; goes_on;) {
      std::array<epoll_event, 4> events{};
      ::epoll_wait(set_.get(), events.data(), static_cast<int>(events.size()), -1);
      eventfd_t asked = 0;
      if (::eventfd_read(asks_.get(), &asked) != 0) continue;  // told of the socket
      goes_on = static_cast<bool>(what_);
      if (goes_on) what_();
      done_->count_down();
    }
  }

  UniqueFd set_, asks_;
  std::function<void()> what_;
  std::latch* done_ = nullptr;
  std::unique_ptr<Sleeper> sleeper_;
};

class TwoSetsTest : public WaitsTest {
 protected:
  // What waits before there is a recording is not seen.
  void SetUp() override {
    WaitsTest::SetUp();
    one_ = std::make_unique<Loop>();
    other_ = std::make_unique<Loop>();
    one_->AwaitWait();
    other_->AwaitWait();
  }
  void TearDown() override {
    one_.reset();
    other_.reset();
    WaitsTest::TearDown();
  }

  // Holds the socket in both sets, and has them read it by turns.
  std::vector<std::string> ReadByTurns(uint32_t one, uint32_t other, int turns = 3) {
    Register(one_->set(), ours_.get(), one);
    Register(other_->set(), ours_.get(), other);
    for (int turn = 0; turn < turns; ++turn)
      (turn % 2 == 0 ? one_ : other_)->Do([this] { FindNothing(ours_.get()); });
    return Meetings();
  }

  std::unique_ptr<Loop> one_, other_;
};

// Another process with a set of its own, which it waits in when this is made.
class OtherProcess {
 public:
  // `events`: nothing of them has happened.
  OtherProcess(int fd, uint32_t events, bool in_its_set = true) : id_(::fork()) {
    if (id_ == 0) Wait(fd, events, in_its_set);
    const std::string path = "/proc/" + std::to_string(id_) + "/syscall";
    while (!IsIn(path, kEpollWait)) std::this_thread::yield();
  }
  ~OtherProcess() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  pid_t id() const { return id_; }

 private:
  [[noreturn]] static void Wait(int fd, uint32_t events, bool in_its_set) {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    Register(set, fd, events);
    epoll_event event{};
    ::epoll_wait(in_its_set ? set : ::epoll_create1(EPOLL_CLOEXEC), &event, 1, -1);
    ::_exit(0);
  }

  pid_t id_;
};

class TwoProcessesTest : public TwoSetsTest {
 protected:
  // A thread of this process holds the socket too, and reads.
  std::vector<std::string> Read(uint32_t events) {
    Register(one_->set(), ours_.get(), events);
    one_->Do([this] { FindNothing(ours_.get()); });
    return Meetings();
  }
};

TEST_F(TwoProcessesTest, WhoWaitsInASetOfItsOwnIsAReader) {
  const OtherProcess other(ours_.get(), EPOLLIN | EPOLLRDHUP | EPOLLET);
  EXPECT_THAT(Read(EPOLLIN | EPOLLET), ElementsAre("second-reader: 0 while 0"));
  EXPECT_EQ(GetString(last_, "how"), "epoll");
  EXPECT_EQ(GetInt(GetMember(last_, "other"), "process"), other.id());
  EXPECT_EQ(GetInt(GetMember(last_, "other"), "fd"), ours_.get());
}

TEST_F(TwoProcessesTest, WhoReadsItMayHoldItForAsLongAsThereIsSomething) {
  const OtherProcess other(ours_.get(), EPOLLIN | EPOLLET);
  EXPECT_THAT(Read(EPOLLIN), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoProcessesTest, WhoHoldsItForAsLongAsThereIsSomethingIsAReader) {
  const OtherProcess other(ours_.get(), EPOLLIN);
  EXPECT_THAT(Read(EPOLLIN | EPOLLET), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoProcessesTest, WhoWaitsElsewhereLeavesItToTheOther) {
  const OtherProcess other(ours_.get(), EPOLLIN | EPOLLET, /*in_its_set=*/false);
  EXPECT_THAT(Read(EPOLLIN | EPOLLET), IsEmpty());
}

TEST_F(TwoProcessesTest, WhoHoldsItForMoreThanReadingOrIsToldOnceMayLeaveItToTheOther) {
  const OtherProcess for_more(ours_.get(), EPOLLIN | EPOLLPRI | EPOLLET);
  const OtherProcess for_more_and_long(ours_.get(), EPOLLIN | EPOLLPRI);
  const OtherProcess once(ours_.get(), EPOLLIN | EPOLLET | EPOLLONESHOT);
  EXPECT_THAT(Read(EPOLLIN | EPOLLET), IsEmpty());
}

TEST_F(TwoProcessesTest, WhoIsGoneLeavesItsPlaceToTheNext) {
  { const OtherProcess gone(ours_.get(), EPOLLIN | EPOLLET); }
  const OtherProcess next(ours_.get(), EPOLLIN | EPOLLET);
  EXPECT_THAT(Read(EPOLLIN | EPOLLET), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoProcessesTest, WhoIsToldOfChangesHidesNoTwoSetsThatAreToldForAsLongAsThereIsSomething) {
  const OtherProcess other(ours_.get(), EPOLLIN | EPOLLET);
  Register(one_->set(), ours_.get(), EPOLLIN);
  Register(other_->set(), ours_.get(), EPOLLIN);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoProcessesTest, NorDoesOneThatIsGone) {
  { const OtherProcess gone(ours_.get(), EPOLLIN | EPOLLET); }
  Register(one_->set(), ours_.get(), EPOLLIN);
  Register(other_->set(), ours_.get(), EPOLLIN);
  EXPECT_THAT(Meetings(), ElementsAre("second-reader: 0 while 0"));
}

// What a library registers that does not know yet who will read or write.
constexpr uint32_t kForAll = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET;

TEST_F(TwoSetsTest, ThreadsThatWaitInBothForReadingAreTwoReaders) {
  EXPECT_THAT(ReadByTurns(EPOLLIN | EPOLLET, EPOLLIN | EPOLLRDHUP | EPOLLET, 1),
              ElementsAre("second-reader: 0 while 0"));
  EXPECT_EQ(GetString(last_, "how"), "epoll");
  EXPECT_EQ(GetInt(GetMember(last_, "other"), "fd"), ours_.get());
  EXPECT_NE(GetInt(GetMember(last_, "other"), "thread"), 0);
}

TEST_F(TwoSetsTest, OneOfThemMayBeToldForAsLongAsThereIsSomething) {
  EXPECT_THAT(ReadByTurns(EPOLLIN, EPOLLIN | EPOLLET, 1), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoSetsTest, ThreadsThatReadByTurnsWhileTheOtherWaitsAreTwoReaders) {
  EXPECT_THAT(ReadByTurns(kForAll, kForAll), ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoSetsTest, SetsThatWereClosedKeepNoPlaceFromOthers) {
  for (int i = 0; i < 2; ++i) {
    const UniqueFd closed(::epoll_create1(EPOLL_CLOEXEC));
    Register(closed.get(), ours_.get(), EPOLLIN | EPOLLET);
  }
  EXPECT_THAT(ReadByTurns(EPOLLIN | EPOLLET, EPOLLIN | EPOLLET, 1),
              ElementsAre("second-reader: 0 while 0"));
}

TEST_F(TwoSetsTest, WhoReadsWhatStayedInAnothersSetHasMetNobody) {
  EXPECT_THAT(ReadByTurns(kForAll, kForAll, 2), IsEmpty());
}

TEST_F(TwoSetsTest, ThreadsThatHoldItForMoreThanReadingMayLeaveItToOne) {
  Register(one_->set(), ours_.get(), kForAll);
  Register(other_->set(), ours_.get(), kForAll);
  for (int turn = 0; turn < 3; ++turn) one_->Do([this] { FindNothing(ours_.get()); });
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(TwoSetsTest, ThreadsThatAreToldOnceMayTakeTurns) {
  EXPECT_THAT(ReadByTurns(EPOLLIN | EPOLLET | EPOLLONESHOT, EPOLLIN | EPOLLET), IsEmpty());
}

TEST_F(TwoSetsTest, ThreadsThatTakeItOutOfTheirSetMayTakeTurns) {
  Loop* loops[] = {one_.get(), other_.get()};
  for (int turn = 0; turn < 4; ++turn) {
    Loop& loop = *loops[turn % 2];
    loop.Do([&] {
      Register(loop.set(), ours_.get(), EPOLLIN | EPOLLET);
      FindNothing(ours_.get());
    });
    loop.Do([&] {
      FindNothing(ours_.get());
      ASSERT_EQ(::epoll_ctl(loop.set(), EPOLL_CTL_DEL, ours_.get(), nullptr), 0);
    });
  }
  EXPECT_THAT(Meetings(), IsEmpty());
}

}  // namespace
}  // namespace trireme
