#include "harness/base/json.h"

#include <algorithm>
#include <vector>

#include "harness/base/strings.h"

namespace trireme {
namespace {

// The library parses arrays without recursion but destroys and prints them with it.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Json Sorted(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(Sorted(item));
    return out;
  }
  if (!value.is_object()) return value;
  std::vector<std::string> keys;
  for (const auto& [key, member] : value.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  Json out = Json::object();
  for (const std::string& key : keys) out[key] = Sorted(value.at(key));
  return out;
}

// What the library says, without the name of its exception: "parse error at line 2, column 1: ...".
std::string Reason(const std::exception& error) {
  std::string text = ToValidUtf8(error.what());
  const size_t end = text.find("] ");
  return text.starts_with('[') && end != std::string::npos ? text.substr(end + 2) : text;
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const std::string& what) {
  if (TooDeep(text))
    return UsageError(what + ": JSON nested deeper than " + std::to_string(kMaxJsonDepth) +
                      " levels");
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return UsageError(what + ": not valid JSON: " + Reason(error));
  }
}

std::string DumpJson(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string CanonicalJson(const Json& value) { return DumpJson(Sorted(value)); }

const Json& GetMember(const Json& object, const char* key) {
  static const Json& null = *new Json();
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string GetString(const Json& object, const char* key, const std::string& fallback) {
  const Json& member = GetMember(object, key);
  return member.is_string() ? member.get<std::string>() : fallback;
}

int64_t GetInt(const Json& object, const char* key, int64_t fallback) {
  const Json& member = GetMember(object, key);
  return member.is_number_integer() ? member.get<int64_t>() : fallback;
}

double GetDouble(const Json& object, const char* key, double fallback) {
  const Json& member = GetMember(object, key);
  return member.is_number() ? member.get<double>() : fallback;
}

bool GetBool(const Json& object, const char* key, bool fallback) {
  const Json& member = GetMember(object, key);
  return member.is_boolean() ? member.get<bool>() : fallback;
}

std::vector<std::string> TextsOf(const Json& value) {
  std::vector<std::string> texts;
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (!value.is_array()) return texts;
  for (const Json& text : value) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

}  // namespace trireme
