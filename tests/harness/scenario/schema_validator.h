#ifndef TRIREME_TESTS_HARNESS_SCENARIO_SCHEMA_VALIDATOR_H_
#define TRIREME_TESTS_HARNESS_SCENARIO_SCHEMA_VALIDATOR_H_

#include <string>

#include "harness/base/json.h"

namespace trireme::testing {

// Why `value` does not fit `schema`, "" when it does. Knows the keywords of JSON Schema 2020-12
// that our schemas use and fails on any other, so that a schema cannot say what nothing here
// checks.
std::string WhyInvalid(const Json& schema, const Json& value);

}  // namespace trireme::testing

#endif  // TRIREME_TESTS_HARNESS_SCENARIO_SCHEMA_VALIDATOR_H_
