#include "harness/history/event_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "harness/base/file.h"
#include "harness/history/packing.h"

namespace trireme {
namespace {

std::string JournalOf(const std::string& recording) { return recording + ".harness"; }

}  // namespace

Result<EventJournal> EventJournal::Create(const std::string& recording) {
  const std::string path = JournalOf(recording);
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoError("cannot create " + path, errno);
  return EventJournal(std::move(file));
}

void EventJournal::Remove(const std::string& recording) {
  ::unlink(JournalOf(recording).c_str());
}

void EventJournal::Add(const NewEvent& event) const {
  std::vector<char> chunk;
  AppendEvents({event}, &chunk);
  (void)!::write(file_.get(), chunk.data(), chunk.size());
}

void AppendJournal(const std::string& recording, std::vector<char>* packed) {
  const Result<std::string> journal = ReadFile(JournalOf(recording));
  if (!journal.ok()) return;
  std::string_view rest = *journal;
  trireme_chunk chunk{};
  while (rest.size() >= sizeof(chunk)) {
    std::memcpy(&chunk, rest.data(), sizeof(chunk));
    const std::string_view records = rest.substr(sizeof(chunk), chunk.used);
    const bool is_whole = records.size() == chunk.used && WholeRecords(records) == chunk.used;
    if (chunk.magic != TRIREME_CHUNK_MAGIC || !is_whole) return;
    AppendChunk(chunk.process, records, chunk.newest, packed);
    rest.remove_prefix(sizeof(chunk) + records.size());
  }
}

}  // namespace trireme
