#include "harness/scenario/yaml_document.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "harness/scenario/source_text.h"

namespace trireme {
namespace {

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool AllOf(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsCoreFloat(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (const size_t exponent = text.find_first_of("eE"); exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (power.starts_with('-') || power.starts_with('+')) power.remove_prefix(1);
    if (!AllOf(power, kDigits)) return false;
    text = text.substr(0, exponent);
  }
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (!whole.empty() && !AllOf(whole, kDigits)) return false;
  if (!part.empty() && !AllOf(part, kDigits)) return false;
  return !whole.empty() || !part.empty();
}

Json FloatValue(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // from_chars leaves the value alone when it is out of range, for too small as for too large.
  if (error == std::errc::result_out_of_range) {
    const bool small =
        text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
    return small ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return value;
}

Json IntegerValue(std::string_view text, int base) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  int64_t value = 0;
  if (std::from_chars(text.data(), end, value, base).ec == std::errc()) return value;
  uint64_t large = 0;  // half of all hashes
  if (std::from_chars(text.data(), end, large, base).ec == std::errc()) return large;
  return base == 10 ? FloatValue(text) : Json(std::string(text));
}

bool IsCoreInteger(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return AllOf(text, kDigits);
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i].text == key) return &items[i];
  return nullptr;
}

Diagnostic YamlDocument::ErrorAt(const YamlNode& node, std::string message,
                                 std::string hint) const {
  return SourceText(text_, path_)
      .ErrorAt(node.line, node.column, node.length, std::move(message), std::move(hint));
}

Json ScalarValue(const YamlNode& node) {
  const std::string& text = node.text;
  if (node.kind == YamlNode::Kind::kNull) return nullptr;
  if (node.quoted) return text;
  if (IsOneOf(text, {"true", "True", "TRUE"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE"})) return false;
  if (text.starts_with("0o") && AllOf(std::string_view(text).substr(2), "01234567"))
    return IntegerValue(std::string_view(text).substr(2), 8);
  if (text.starts_with("0x") && AllOf(std::string_view(text).substr(2), "0123456789abcdefABCDEF"))
    return IntegerValue(std::string_view(text).substr(2), 16);
  if (IsCoreInteger(text)) return IntegerValue(text, 10);
  if (IsCoreFloat(text)) return FloatValue(text);
  if (IsOneOf(text, {".inf", ".Inf", ".INF", "+.inf", "-.inf"}))
    return std::numeric_limits<double>::infinity();
  if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  return text;
}

std::string DescribeKind(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kSequence) return "a list";
  if (node.kind == YamlNode::Kind::kMapping) return "a mapping";
  const Json value = ScalarValue(node);
  if (value.is_null()) return "nothing";
  if (value.is_boolean()) return node.text;
  if (value.is_number()) return "the number " + node.text;
  return "text";
}

}  // namespace trireme
