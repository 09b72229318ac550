#ifndef TRIREME_TESTS_HARNESS_CHECK_SYNC_TRIAL_H_
#define TRIREME_TESTS_HARNESS_CHECK_SYNC_TRIAL_H_

#include <string>
#include <utility>

#include "tests/harness/check/trial_builder.h"

namespace trireme {

// A trial whose tasks wait for each other: "What tasks wait for" in probe_abi.h.
class SyncTrial : public TrialBuilder {
 public:
  // An object that main made as it began.
  SyncTrial& New(uint64_t number, const std::string& kind, int64_t size = 0,
                 const std::string& place = "") {
    return Sync(0, 1, "new", number, {{"kind", kind}, {"size", size}, {"place", place}});
  }
  SyncTrial& Sync(int64_t time, uint32_t task, const std::string& action, uint64_t number,
                  Json value = nullptr) {
    Add(EventKind::kSync, time, action, std::move(value), task, number);
    return *this;
  }
  // `object` is that of the wait, or the task of a join; 0: not recorded.
  SyncTrial& Wait(int64_t time, uint32_t task, const std::string& kind, int64_t object) {
    Add(EventKind::kWait, time, kind, object == 0 ? Json() : Json(object), task, ++ordinal_);
    return *this;
  }
  // That the wait which the task begins next ends by itself.
  SyncTrial& Deadline(int64_t time, uint32_t task, int64_t left) {
    Add(EventKind::kDeadline, time, "lock", left, task, ordinal_ + 1);
    return *this;
  }
  SyncTrial& Wake(int64_t time, uint32_t task, const std::string& kind) {
    Add(EventKind::kWake, time, kind, nullptr, task, ordinal_);
    return *this;
  }
  SyncTrial& Task(uint32_t number, const std::string& path, const std::string& name, int64_t time) {
    TrialBuilder::Task(number, path, name, time);
    return *this;
  }
  SyncTrial& TaskEnd(uint32_t number, int64_t time) {
    TrialBuilder::TaskEnd(number, time);
    return *this;
  }
  // What the main thread of another process recorded.
  SyncTrial& AddIn(uint32_t process, EventKind kind, int64_t time, const std::string& key,
                   Json value, uint32_t task, uint64_t id) {
    Add(kind, time, key, std::move(value), task, id);
    SetProcess(process);
    return *this;
  }

 private:
  uint64_t ordinal_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_CHECK_SYNC_TRIAL_H_
