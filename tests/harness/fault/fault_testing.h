#ifndef TRIREME_TESTS_HARNESS_FAULT_FAULT_TESTING_H_
#define TRIREME_TESTS_HARNESS_FAULT_FAULT_TESTING_H_

#include <string>

#include "harness/fault/fault.h"

namespace trireme {

// {"name": "x", "at": at, "do": what} in a plan, as JSON texts.
inline Fault SystemCall(const std::string& at, const std::string& what,
                        const std::string& name = "x") {
  return {.name = name, .key = "do", .members = *ParseJson(what, "do"), .at = *ParseJson(at, "at")};
}

// "" when there is none.
inline std::string MessageOf(const Status& status) {
  return status.ok() ? "" : status.error().message;
}

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_FAULT_FAULT_TESTING_H_
