#ifndef TRIREME_RUNNERS_SDK_PLACE_H_
#define TRIREME_RUNNERS_SDK_PLACE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "trireme/place.h"

namespace trireme {

inline constexpr size_t kPlaceText = 512;

inline bool IsKnown(const internal::Place& place) {
  return place.file != nullptr && *place.file != '\0';
}

// Writes "workload.cc:12 in Main", as places of Python read, and returns its length: less than `size`, cut where it is
// longer; 0 where it is not known. What JSON would escape is left out. For signal handlers too: it does not allocate.
size_t WritePlace(const internal::Place& place, char* text, size_t size);
std::string PlaceText(const internal::Place& place);
// The same, kept by the calling thread until it asks again: most often for a place that it asked for lately.
std::string_view KeptPlaceText(const internal::Place& place);

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_PLACE_H_
