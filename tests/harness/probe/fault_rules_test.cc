#include "harness/probe/fault_rules.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "harness/probe/recorder.h"

namespace trireme {

// It needs no recorder but for the time, which no rule here asks for.
uint64_t Now() { return 0; }

namespace {

constexpr int kRounds = 200'000;

// A rule that is due elsewhere at the same time may find its place taken by nobody but who applies it.
TEST(FaultRulesTest, WhatIsOutdoneTakesNobodysPlace) {
  trireme_fault_rule rule{};
  rule.total = 1;
  std::atomic<bool> begun = false, stops = false;
  std::thread other([&] {
    for (; !stops; begun = true) {
      Outdone outdone;
      outdone.Add(rule, nullptr);
    }
  });
  while (!begun) std::this_thread::yield();
  int refused = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (MayApply(rule, nullptr))
      TakeBack(rule, nullptr);
    else
      ++refused;
  }
  stops = true;
  other.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(rule.applied, 0u);
}

TEST(FaultRulesTest, NobodyIsOutdoneWhoMayNotBeAppliedAnyMore) {
  trireme_fault_rule rule{};
  rule.total = 1;
  Outdone before, after;
  before.Add(rule, nullptr);
  ASSERT_TRUE(MayApply(rule, nullptr));
  after.Add(rule, nullptr);
  EXPECT_FALSE(MayApply(rule, nullptr));
  EXPECT_EQ(before.count(), 1);
  EXPECT_EQ(after.count(), 0);
  EXPECT_EQ(rule.applied, 1u);
}

TEST(FaultRulesTest, HasALimitOnEachConnection) {
  trireme_fault_rule rule{};
  rule.limit = 1;
  trireme_connection one{}, other{};
  ASSERT_TRUE(MayApply(rule, &one));
  Outdone outdone;
  outdone.Add(rule, &one);
  EXPECT_EQ(outdone.count(), 0);
  outdone.Add(rule, &other);
  EXPECT_EQ(outdone.count(), 1);
  EXPECT_FALSE(MayApply(rule, &one));
  EXPECT_TRUE(MayApply(rule, &other));
  EXPECT_EQ(rule.applied, 2u);
}

// Threads that are at one rule at once, each round as many as may apply it and one more.
TEST(FaultRulesTest, NeitherExceedsALimitNorLosesOneWhereThreadsMeet) {
  constexpr int kThreads = 3, kRoundsOfAll = 20'000;
  trireme_fault_rule rule{};
  rule.limit = kThreads - 1;
  trireme_connection connection{};
  std::atomic<int> applied = 0, wrong = 0;
  std::barrier round(kThreads, [&]() noexcept {
    if (applied != 0 && (applied != kThreads - 1 || connection.times[0] != kThreads - 1)) ++wrong;
    applied = 0;
    connection.times[0] = 0;
  });
  const auto run = [&] {
    for (int i = 0; i < kRoundsOfAll; ++i) {
      round.arrive_and_wait();
      if (MayApply(rule, &connection)) ++applied;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < kThreads; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
  EXPECT_EQ(wrong, 0);
}

// One that came to nothing is there again for another thread, at once.
TEST(FaultRulesTest, WhatIsTakenBackOnAConnectionIsNotLost) {
  trireme_fault_rule rule{};
  rule.limit = 2;
  trireme_connection connection{};
  std::atomic<int> refused = 0;
  const auto run = [&] {
    for (int i = 0; i < kRounds; ++i) {
      if (MayApply(rule, &connection))
        TakeBack(rule, &connection);
      else
        ++refused;
    }
  };
  std::thread other(run);
  run();
  other.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(connection.times[0], 0);
  EXPECT_EQ(rule.applied, 0u);
}

TEST(FaultRulesTest, WhereTheTrialHasHadAllTheConnectionKeepsItsOwn) {
  trireme_fault_rule rule{};
  rule.limit = 1;
  rule.total = 1;
  trireme_connection one{}, other{};
  ASSERT_TRUE(MayApply(rule, &one));
  EXPECT_FALSE(MayApply(rule, &other));
  EXPECT_EQ(other.times[0], 0);
  TakeBack(rule, &one);
  EXPECT_TRUE(MayApply(rule, &other));
}

}  // namespace
}  // namespace trireme
