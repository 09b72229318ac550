#include "runners/sdk/sync_object.h"

#include <string>

#include "harness/base/json.h"

namespace trireme {
namespace {

// "workload.cc:12 in Main", as places of Python read.
std::string PlaceText(const internal::Place& place) {
  const std::string_view file = place.file;
  return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(place.line) + " in " +
         place.function;
}

}  // namespace

SyncObject::SyncObject(std::string_view kind, size_t size, const internal::Place& place)
    : number_(Probe().new_operation()) {
  if (Probe().attached() == 0) return;
  trireme::Record(
      TRIREME_SYNC, number_, "new",
      Value::Json(DumpJson({{"kind", kind}, {"size", size}, {"place", PlaceText(place)}})));
}

void SyncObject::RecordFor(uint32_t task, std::string_view action) const {
  Probe().record_for(task, TRIREME_SYNC, number_, action.data(),
                     static_cast<uint32_t>(action.size()), TRIREME_NONE, nullptr, 0);
}

}  // namespace trireme
