#include "harness/scenario/field_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

using Kind = YamlNode::Kind;

bool IsScalar(const YamlNode& node) { return node.kind == Kind::kScalar; }

std::string OneOfWords(std::span<const std::string> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

// In the largest unit that divides it.
std::string FormatBytes(int64_t bytes) {
  for (const auto& [shift, unit] :
       {std::pair(40, "TiB"), std::pair(30, "GiB"), std::pair(20, "MiB"), std::pair(10, "KiB")})
    if (bytes != 0 && bytes % (int64_t{1} << shift) == 0)
      return std::to_string(bytes >> shift) + unit;
  return std::to_string(bytes);
}

}  // namespace

Diagnostic FieldReader::WrongType(const YamlNode& node, const std::string& what,
                                  const std::string& wanted) const {
  return ErrorAt(node, what + " must be " + wanted + ", not " + DescribeKind(node));
}

Result<std::string> FieldReader::Text(const YamlNode& node, const std::string& what) const {
  if (!IsScalar(node)) return WrongType(node, what, "text");
  if (!ScalarValue(node).is_string()) {
    Diagnostic error = WrongType(node, what, "text");
    error.hint = "quote it: \"" + node.text + "\"";
    return error;
  }
  if (node.text.find('\0') != std::string::npos)
    return ErrorAt(node, what + " must not contain a NUL character",
                   "no path, name or argument of a program has one");
  if (Trim(node.text).empty()) return ErrorAt(node, what + " must not be empty");
  return node.text;
}

Result<std::vector<std::string>> FieldReader::Texts(const YamlNode& node,
                                                    const std::string& what) const {
  if (node.kind != Kind::kSequence) return WrongType(node, what, "a list of texts");
  std::vector<std::string> texts;
  for (const YamlNode& item : node.items) {
    TRIREME_ASSIGN_OR_RETURN(std::string text, Text(item, "an item of " + what));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<bool> FieldReader::Boolean(const YamlNode& node, const std::string& what) const {
  if (!IsScalar(node)) return WrongType(node, what, "true or false");
  const Json value = ScalarValue(node);
  if (!value.is_boolean())
    return ErrorAt(node, what + " must be true or false, not '" + node.text + "'");
  return value.get<bool>();
}

Result<int64_t> FieldReader::Whole(const YamlNode& node, const std::string& what,
                                   Range range) const {
  if (!IsScalar(node)) return WrongType(node, what, "a whole number");
  const Json value = ScalarValue(node);
  if (!value.is_number())
    return ErrorAt(node, what + " must be a whole number, not '" + node.text + "'");
  const auto number = value.get<double>();
  const bool large = value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX};
  if (large ||
      !(number >= static_cast<double>(range.low) && number <= static_cast<double>(range.high)))
    return ErrorAt(node, what + " must be from " + std::to_string(range.low) + " to " +
                             std::to_string(range.high) + ", not " + node.text);
  if (!value.is_number_integer())
    return ErrorAt(node, what + " must be a whole number, not " + node.text);
  return value.get<int64_t>();
}

Result<double> FieldReader::Number(const YamlNode& node, const std::string& what) const {
  if (!IsScalar(node)) return WrongType(node, what, "a number");
  const Json value = ScalarValue(node);
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    return ErrorAt(node, what + " must be a number, not '" + node.text + "'");
  return value.get<double>();
}

Result<int64_t> FieldReader::Duration(const YamlNode& node, const std::string& what,
                                      Range range) const {
  if (!IsScalar(node)) return WrongType(node, what, "a duration");
  const bool negative = range.low < 0 && node.text.starts_with('-');
  const std::string_view length = std::string_view(node.text).substr(negative ? 1 : 0);
  const bool too_long = IsTooLongDuration(length);
  const std::optional<int64_t> parsed = ParseDurationNanoseconds(length);
  if (!parsed && !too_long)
    return ErrorAt(node, what + " must be a duration, not '" + node.text + "'",
                   "write it as 500ms, 10s, 1.5m or 2h");
  const int64_t duration = negative ? -parsed.value_or(0) : parsed.value_or(0);
  if (too_long || duration < range.low || duration > range.high)
    return ErrorAt(node, what + " must be from " + FormatDuration(range.low) + " to " +
                             FormatDuration(range.high) + ", not " + node.text);
  return duration;
}

Result<int64_t> FieldReader::Bytes(const YamlNode& node, const std::string& what,
                                   Range range) const {
  if (!IsScalar(node)) return WrongType(node, what, "a size");
  const std::optional<int64_t> bytes = ParseBytes(node.text);
  const bool too_many = IsTooManyBytes(node.text);
  if (!bytes && !too_many)
    return ErrorAt(node, what + " must be a size, not '" + node.text + "'",
                   "write it as 512MiB or 2GiB");
  if (too_many || *bytes < range.low || *bytes > range.high)
    return ErrorAt(node, what + " must be from " + FormatBytes(range.low) + " to " +
                             FormatBytes(range.high) + ", not " + node.text);
  return *bytes;
}

Result<std::string> FieldReader::OneOf(const YamlNode& node, const std::string& what,
                                       std::span<const std::string> words) const {
  if (!IsScalar(node)) return WrongType(node, what, OneOfWords(words));
  if (std::find(words.begin(), words.end(), node.text) != words.end()) return node.text;
  return ErrorAt(node, what + " must be " + OneOfWords(words) + ", not '" + node.text + "'",
                 DidYouMean(node.text, words));
}

Status FieldReader::List(const YamlNode& node, const std::string& what) const {
  if (node.kind != Kind::kSequence) return WrongType(node, what, "a list");
  if (node.items.empty()) return ErrorAt(node, what + " must not be empty");
  return Done{};
}

Status FieldReader::Mapping(const YamlNode& node, const std::string& what) const {
  if (node.kind != Kind::kMapping) return WrongType(node, what, "a mapping");
  return Done{};
}

Status FieldReader::Keys(const YamlNode& node, const std::string& what,
                         std::span<const std::string> known, const std::string& noun) const {
  TRIREME_RETURN_IF_ERROR(Mapping(node, what));
  for (const YamlNode& key : node.keys) {
    if (std::find(known.begin(), known.end(), key.text) == known.end())
      return ErrorAt(key, "unknown " + noun + " '" + key.text + "' of " + what,
                     DidYouMean(key.text, known));
  }
  return Done{};
}

Result<Json> FieldReader::Value(const YamlNode& node) const {
  if (node.kind == Kind::kSequence) {
    Json list = Json::array();
    for (const YamlNode& item : node.items) {
      TRIREME_ASSIGN_OR_RETURN(Json value, Value(item));
      list.push_back(std::move(value));
    }
    return list;
  }
  if (node.kind == Kind::kMapping) {
    Json object = Json::object();
    for (size_t i = 0; i < node.keys.size(); ++i) {
      TRIREME_ASSIGN_OR_RETURN(object[node.keys[i].text], Value(node.items[i]));
    }
    return object;
  }
  const Json value = ScalarValue(node);
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return ErrorAt(node, "'" + node.text + "' is no number that JSON has",
                   "quote it to make it text");
  return value;
}

}  // namespace trireme
