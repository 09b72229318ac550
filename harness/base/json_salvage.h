#ifndef TRIREME_HARNESS_BASE_JSON_SALVAGE_H_
#define TRIREME_HARNESS_BASE_JSON_SALVAGE_H_

#include <string>
#include <string_view>

#include "harness/base/json.h"

namespace trireme {

// What can be read of a JSON text that may be cut or damaged: everything before the first error,
// with the arrays and objects that were open there closed.
struct SalvagedJson {
  Json value;          // null when nothing could be read
  std::string damage;  // "" when the text was whole; else what was wrong and where
};

// Total. Bounded depth, as ParseJson.
SalvagedJson SalvageJson(std::string_view text);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_JSON_SALVAGE_H_
