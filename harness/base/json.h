#ifndef TRIREME_HARNESS_BASE_JSON_H_
#define TRIREME_HARNESS_BASE_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// Keeps the order in which members were added, so that files read as their schema does.
using Json = nlohmann::ordered_json;

// Deeper nesting is an error: a bomb of brackets would overflow the stack.
inline constexpr int kMaxJsonDepth = 200;

// Never throws. `what` names the text in the error ("results.json").
Result<Json> ParseJson(std::string_view text, const std::string& what);

// Total: invalid UTF-8 becomes the replacement character, never an exception.
std::string DumpJson(const Json& value, int indent = -1);

// The same value with object members sorted, so that equal values have equal text.
std::string CanonicalJson(const Json& value);

// Member or fallback, also when the member has another type. Never throws.
std::string GetString(const Json& object, const char* key, const std::string& fallback = "");
int64_t GetInt(const Json& object, const char* key, int64_t fallback = 0);
double GetDouble(const Json& object, const char* key, double fallback = 0);
bool GetBool(const Json& object, const char* key, bool fallback = false);
// The member, or null when there is none or `object` is no object.
const Json& GetMember(const Json& object, const char* key);

// The texts of an array, in their order; a lone text is an array of one. What is no text is passed
// over.
std::vector<std::string> TextsOf(const Json& value);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_JSON_H_
