#ifndef TRIREME_HARNESS_HISTORY_JSONL_READER_H_
#define TRIREME_HARNESS_HISTORY_JSONL_READER_H_

#include <string_view>
#include <vector>

#include "harness/history/history.h"
#include "harness/history/jsonl.h"

namespace trireme {

// One attempt of a trial, as a text of JSON Lines tells it.
struct LabelledHistory {
  TrialLabel label;
  History history;
};

// Whether the first line that is not blank is one of PrintHistory's.
bool IsHistoryLines(std::string_view text);

// What PrintHistory wrote, read back: the attempts in the order of their first lines. Printed again
// they come to the same lines, but for the numbers of tasks, and bytes stay the base64 text that
// they were printed as. A line that goes back in time after the exit of its trial begins another
// attempt. Total: a line that cannot be read is damage of every history, since nothing tells whose
// it was.
std::vector<LabelledHistory> ReadHistoryLines(std::string_view text);

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_JSONL_READER_H_
