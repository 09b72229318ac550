#include "harness/probe/fault_rules.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

}  // namespace
}  // namespace trireme
