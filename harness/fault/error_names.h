#ifndef TRIREME_HARNESS_FAULT_ERROR_NAMES_H_
#define TRIREME_HARNESS_FAULT_ERROR_NAMES_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace trireme {

// An error that a call may fail with, by its name in C.
struct ErrorName {
  std::string_view name;
  int32_t code;
  bool resolver;  // getaddrinfo's: an EAI_ code, not an errno
};

std::span<const ErrorName> ErrorNames();

// Null when there is none of that name.
const ErrorName* FindErrorName(std::string_view name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_ERROR_NAMES_H_
