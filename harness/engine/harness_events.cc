#include "harness/engine/harness_events.h"

#include <utility>

namespace trireme {

Status HarnessEvents::Open(const std::string& recording) {
  TRIREME_ASSIGN_OR_RETURN(EventJournal journal, EventJournal::Create(recording));
  const MutexLock lock(mutex_);
  journal_.emplace(std::move(journal));
  return Done{};
}

void HarnessEvents::SetProcess(pid_t process) {
  const MutexLock lock(mutex_);
  process_ = static_cast<uint32_t>(process);
}

void HarnessEvents::Add(NewEvent event) {
  const MutexLock lock(mutex_);
  event.process = process_;
  if (journal_) journal_->Add(event);
  events_.push_back(std::move(event));
}

// What came before the runner named the process is its, too.
std::vector<NewEvent> HarnessEvents::All() const {
  const MutexLock lock(mutex_);
  std::vector<NewEvent> events = events_;
  for (NewEvent& event : events) event.process = process_;
  return events;
}

}  // namespace trireme
