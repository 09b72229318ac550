#ifndef TRIREME_TESTS_HARNESS_CHECK_JSON_SCHEMA_H_
#define TRIREME_TESTS_HARNESS_CHECK_JSON_SCHEMA_H_

#include <string>

#include "harness/base/json.h"

namespace trireme {

// What keeps `value` from being valid under `schema`, "" when nothing does. Knows the keywords that
// our published schema uses; any other is a problem too, so that nothing is left unchecked.
std::string SchemaProblem(const Json& schema, const Json& value);

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_CHECK_JSON_SCHEMA_H_
