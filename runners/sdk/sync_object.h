#ifndef TRIREME_RUNNERS_SDK_SYNC_OBJECT_H_
#define TRIREME_RUNNERS_SDK_SYNC_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runners/sdk/probe.h"
#include "trireme/place.h"

namespace trireme {

// What the history knows of something that tasks wait for, by its number: probe_abi.h, "What tasks wait for", says what is
// recorded and when. A copy is the same thing. Thread safety: any threads; the order of events is the caller's to keep, so
// what others may see or take is recorded under the mutex that hides it from them.
class SyncObject {
 public:
  // Gives it a number, and records it as new.
  SyncObject(std::string_view kind, size_t size, const internal::Place& place);

  uint64_t number() const { return number_; }
  // Where it was made.
  const internal::Place& place() const { return place_; }
  // What the calling thread's current task does, or did.
  void Record(std::string_view action) const { Add(action, TRIREME_NONE, nullptr, 0); }
  // The same, with how many there are then, or in how many nanoseconds its wait ends.
  void Record(std::string_view action, size_t count) const {
    const auto value = static_cast<int64_t>(count);
    Add(action, TRIREME_INT, &value, sizeof(value));
  }
  void Record(std::string_view action, std::string_view text) const {
    Add(action, TRIREME_TEXT, text.data(), static_cast<uint32_t>(text.size()));
  }
  // The same, with where the task calls.
  void RecordAt(std::string_view action, const internal::Place& place) const;
  void RecordFor(uint32_t task, std::string_view action) const;

 private:
  void Add(std::string_view action, trireme_type type, const void* value, uint32_t size) const {
    Probe().record(TRIREME_SYNC, number_, action.data(), static_cast<uint32_t>(action.size()),
                   static_cast<uint16_t>(type), value, size);
  }

  uint64_t number_;
  internal::Place place_;
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_SYNC_OBJECT_H_
