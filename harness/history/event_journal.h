#ifndef TRIREME_HARNESS_HISTORY_EVENT_JOURNAL_H_
#define TRIREME_HARNESS_HISTORY_EVENT_JOURNAL_H_

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/history/writer.h"

namespace trireme {

// The harness's own events of a trial that runs, in a file beside its recording, as they happen: they outlive a SIGKILL of
// the harness, which else adds them when it seals the recording. Not in the recording itself, which is the workload's to
// write over. Whoever reads the recording reads this with it.
// Thread safety: any threads may add.
class EventJournal {
 public:
  // Of the recording at that path.
  static Result<EventJournal> Create(const std::string& recording);
  // After the recording was sealed with the same events. Without one: nothing.
  static void Remove(const std::string& recording);

  // By one write. What cannot be written is in the sealed history all the same.
  void Add(const NewEvent& event) const;

 private:
  explicit EventJournal(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

// Adds what there is of a recording's journal, as far as it is whole, to a packed history, which has no checksum yet.
void AppendJournal(const std::string& recording, std::vector<char>* packed);

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_EVENT_JOURNAL_H_
