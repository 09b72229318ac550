#include "tests/fuzz/history_target.h"

#include "harness/base/check.h"
#include "harness/history/history.h"
#include "harness/history/jsonl.h"

namespace trireme {
namespace {

// What is read of damaged bytes is part of them: never more than they hold.
void CheckSize(const History& history, size_t size) {
  size_t total = 0;
  for (const Event& event : history.events()) total += event.key.size() + event.raw.size();
  TRIREME_CHECK(total <= size);
}

}  // namespace

void ReadAnyHistory(const std::string& bytes) {
  const Result<History> history = History::Parse(bytes);
  if (!history.ok()) {
    TRIREME_CHECK(!history.error().message.empty());
    return;
  }
  CheckSize(*history, bytes.size());
  for (const Operation& operation : history->Operations())
    TRIREME_CHECK(operation.end >= operation.begin);
  PrintHistory({}, *history, [](std::string_view line) { TRIREME_CHECK(line.ends_with("}\n")); });
}

}  // namespace trireme
