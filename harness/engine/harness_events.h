#ifndef TRIREME_HARNESS_ENGINE_HARNESS_EVENTS_H_
#define TRIREME_HARNESS_ENGINE_HARNESS_EVENTS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/base/mutex.h"
#include "harness/base/result.h"
#include "harness/history/event_journal.h"
#include "harness/history/writer.h"

namespace trireme {

// What the harness itself did to one trial, for its history. Kept in memory until the recording is sealed, since the
// workload cannot write over that; and in a journal meanwhile, since the harness may be killed.
// Thread safety: any threads may add.
class HarnessEvents {
 public:
  // Before the first is added. `recording`: the trial's.
  Status Open(const std::string& recording);
  // The trial's own process: theirs that are added from now on.
  void SetProcess(pid_t process);
  void Add(NewEvent event);
  std::vector<NewEvent> All() const;

 private:
  mutable Mutex mutex_;
  uint32_t process_ TRIREME_GUARDED_BY(mutex_) = 0;
  std::optional<EventJournal> journal_ TRIREME_GUARDED_BY(mutex_);
  std::vector<NewEvent> events_ TRIREME_GUARDED_BY(mutex_);
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_HARNESS_EVENTS_H_
