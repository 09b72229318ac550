#include "runners/sdk/sync_object.h"

#include "harness/base/json.h"
#include "runners/sdk/place.h"

namespace trireme {

SyncObject::SyncObject(std::string_view kind, size_t size, const internal::Place& place)
    : number_(Probe().new_operation()), place_(place) {
  if (Probe().attached() == 0) return;
  trireme::Record(
      TRIREME_SYNC, number_, "new",
      Value::Json(DumpJson({{"kind", kind}, {"size", size}, {"place", PlaceText(place)}})));
}

void SyncObject::RecordAt(std::string_view action, const internal::Place& place) const {
  const std::string_view text = KeptPlaceText(place);
  Add(action, text.empty() ? TRIREME_NONE : TRIREME_TEXT, text.data(),
      static_cast<uint32_t>(text.size()));
}

void SyncObject::RecordFor(uint32_t task, std::string_view action) const {
  Probe().record_for(task, TRIREME_SYNC, number_, action.data(),
                     static_cast<uint32_t>(action.size()), TRIREME_NONE, nullptr, 0);
}

}  // namespace trireme
