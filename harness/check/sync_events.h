#ifndef TRIREME_HARNESS_CHECK_SYNC_EVENTS_H_
#define TRIREME_HARNESS_CHECK_SYNC_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/check/trial_view.h"

namespace trireme {

// What a SYNC event says that its task did: "What tasks wait for" in probe_abi.h.
enum class SyncAction {
  kOther,  // of a later version
  kNew,
  kAcquire,
  kRelease,
  kWait,
  kPut,
  kGet,
  kSet,
  kClear,
  kNotify,
  kPassed,
  kConnected,
  kRead,
  kWrite,
  kClose
};
SyncAction ActionOf(const Event& sync);

// What a task waits for; kOther for what ends by itself as far as the history can tell (a sleep, a connection).
enum class WaitKind {
  kOther,
  kLock,
  kSemaphore,
  kCondition,
  kEvent,
  kQueuePut,
  kQueueGet,
  kPool,
  kPoolPlace,
  kPoolJoin,
  kRecv,
  kSend,
  kJoin
};
WaitKind WaitKindOf(std::string_view key);
// For what the other end of a stream does.
inline bool IsOfStream(WaitKind kind) { return kind == WaitKind::kRecv || kind == WaitKind::kSend; }

// The number of the object, or of the task of a join, that a WAIT is for; nothing where it was not recorded.
std::optional<uint64_t> WaitedFor(const Event& wait);

// When the next wait of the task of a DEADLINE ends by itself, or would have that for a lock of an `acquire`; nothing where
// that was not recorded.
std::optional<int64_t> DeadlineOf(const Event& deadline);

// The two ends of a `connected`: the stream's own, and the other; empty where that was not recorded.
struct Ends {
  std::string here, there;
};
Ends EndsOf(const Event& connected);

// The value of a `put` or `get`: how many items there are, from 0; nothing where it was not recorded.
std::optional<int64_t> ItemsAfter(const Event& sync);

// What is known of an object from its `new`.
struct ObjectFacts {
  std::string kind;   // lock, rlock, semaphore, ...; "" where nothing recorded that it was made
  std::string place;  // "/a/workload.py:12 in main"
  int64_t size = 0;   // permits, items or places; 0: none, or without limit
};
ObjectFacts FactsOf(const Event& made);

// "/a/workload.py:12 in main" -> "workload.py:12"
std::string ShortPlace(std::string_view place);

// "lock made at workload.py:12"
std::string ObjectText(const ObjectFacts& facts);

// "reader-7" and "reader-12" are the same kind of task: for what goes into a signature.
std::string WithoutNumbers(const std::string& name);

// The moment at which a check looks at what tasks wait for: the timeout of a trial that ran out of its time (the dump
// of the stacks may wake tasks later), else the end of main with what it left behind, else the last event.
int64_t EndOfWaits(const TrialView& view);

// Why what is missing in a history may be an end or a release, so that nobody can say who waits for whom; "" for a
// whole one.
std::string WhyNotWhole(const TrialView& view);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_SYNC_EVENTS_H_
