#include <array>
#include <cstdint>
#include <string>

#include "harness/base/rng.h"
#include "harness/check/checker.h"
#include "tests/harness/check/sync_trial.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

// Histories that no recorder writes: numbers without `new`, ends without begins, counts out of all proportion.
class HostileTrial {
 public:
  explicit HostileTrial(uint64_t seed) : rng_(seed) {}

  SyncTrial Make(int events) {
    SyncTrial trial;
    for (int i = 0; i < events; ++i) AddEvent(trial, i);
    if (rng_.Below(2) == 0) trial.Exit("timeout", {{"timeout_ns", events}}, events + 1);
    return trial;
  }

 private:
  template <size_t size>
  std::string Any(const std::array<const char*, size>& names) {
    return names[rng_.Below(size)];
  }

  int64_t Number() {
    switch (rng_.Below(8)) {
      case 0:
        return INT64_MAX;
      case 1:
        return INT64_MIN;
      case 2:
        return int64_t{UINT32_MAX} + 1;
      default:
        return static_cast<int64_t>(rng_.Below(6));
    }
  }

  Json Value() {
    switch (rng_.Below(6)) {
      case 0:
        return nullptr;
      case 1:
        return "text";
      case 2:
        return Json{{"kind", Any(kKinds)}, {"size", Number()}, {"place", 7}};
      case 3:
        return Json{{"rss", Number()}, {"threads", Number()}};
      default:
        return Number();
    }
  }

  void AddEvent(SyncTrial& trial, int time) {
    static constexpr std::array<EventKind, 11> kEvents = {
        EventKind::kSync,   EventKind::kSync, EventKind::kWait,    EventKind::kWake,
        EventKind::kCancel, EventKind::kJoin, EventKind::kProcess, EventKind::kTaskStart,
        EventKind::kUsage,  EventKind::kSync, EventKind::kDeadline};
    const EventKind kind =
        rng_.Below(20) == 0 ? EventKind::kTaskEnd : kEvents[rng_.Below(kEvents.size())];
    const std::string key = kind == EventKind::kSync ? Any(kSyncActions) : Any(kWaits);
    const bool made = kind == EventKind::kSync && key == "new";
    Json value = made ? Json{{"kind", Any(kKinds)}, {"size", rng_.Below(3)}} : Value();
    trial.Add(kind, time, kind == EventKind::kUsage ? "process" : key, std::move(value),
              static_cast<uint32_t>(rng_.Below(6)), static_cast<uint64_t>(Number()));
    if (rng_.Below(10) == 0) trial.SetProcess(static_cast<uint32_t>(rng_.Below(4)));
  }

  static constexpr std::array<const char*, 14> kSyncActions = {
      "new", "new",   "acquire", "release", "wait", "put",   "get",
      "set", "clear", "notify",  "passed",  "read", "write", "later"};
  static constexpr std::array<const char*, 11> kWaits = {
      "lock", "semaphore",  "condition", "event", "queue-put", "queue-get",
      "pool", "pool-place", "pool-join", "join",  "recv"};
  static constexpr std::array<const char*, 9> kKinds = {
      "lock", "rlock", "semaphore", "condition", "event", "queue", "pool", "stream", ""};

  Rng rng_;
};

TEST(SyncRobustnessTest, JudgesHistoriesThatNoRecorderWrites) {
  for (int seed = 1; seed <= Rounds(400); ++seed) {
    SyncTrial trial = HostileTrial(static_cast<uint64_t>(seed)).Make(300);
    for (const TrialChecker* checker : TrialCheckers()) {
      const CheckResult result = trial.Check(*checker);
      EXPECT_EQ(result.reason.find(" broke: "), std::string::npos)
          << "seed " << seed << ": " << result.reason;
    }
  }
}

}  // namespace
}  // namespace trireme
