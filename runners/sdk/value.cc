#include "trireme/value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "harness/base/base64.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

// An integer that needs all 64 bits, which is kept as its JSON text.
std::optional<uint64_t> LargeInteger(const Value& value) {
  if (value.type() != Value::Type::kJson) return std::nullopt;
  const Result<trireme::Json> parsed = ParseJson(value.text(), "value");
  if (!parsed.ok() || !parsed->is_number_unsigned()) return std::nullopt;
  return parsed->get<uint64_t>();
}

// A double that JSON has no number for.
bool IsNotFinite(const Value& value) {
  return value.type() == Value::Type::kDouble && !std::isfinite(value.number());
}

std::string NotFiniteText(double number) {
  if (std::isnan(number)) return "NaN";
  return number > 0 ? "Infinity" : "-Infinity";
}

// A text that is no UTF-8, which JSON cannot hold.
bool IsBrokenText(std::string_view text) { return ToValidUtf8(text) != text; }
bool IsBroken(const Value& value) {
  return value.type() == Value::Type::kText && IsBrokenText(value.text());
}

// Inside of a kMarked, the name of a member that JSON cannot hold, or that would be taken for a
// mark, begins with these.
constexpr std::string_view kBrokenName("\0r", 2);
constexpr std::string_view kNameAsItIs("\0t", 2);

bool NameNeedsMark(std::string_view name) { return name.starts_with('\0') || IsBrokenText(name); }

std::string MarkedName(std::string_view name) {
  if (IsBrokenText(name)) return std::string(kBrokenName) + EncodeBase64(name);
  return name.starts_with('\0') ? std::string(kNameAsItIs) + std::string(name) : std::string(name);
}

std::string UnmarkedName(const std::string& name) {
  const std::string rest = name.substr(std::min(name.size(), kBrokenName.size()));
  if (name.starts_with(kNameAsItIs)) return rest;
  if (!name.starts_with(kBrokenName)) return name;
  return DecodeBase64(rest).value_or(name);
}

bool NeedsMarks(const Value& value) {
  return value.type() == Value::Type::kBytes || value.type() == Value::Type::kMarked ||
         IsNotFinite(value) || IsBroken(value);
}

// Each text of `json` and each name of a member, as `text` and `name` give them back.
template <typename Text, typename Name>
trireme::Json WithTexts(trireme::Json json, const Text& text, const Name& name) {
  if (json.is_string()) return text(json.get<std::string>());
  if (json.is_array())
    for (trireme::Json& member : json) member = WithTexts(std::move(member), text, name);
  if (!json.is_object()) return json;
  trireme::Json changed = trireme::Json::object();
  for (auto& [key, member] : json.items())
    changed.emplace(name(key), WithTexts(std::move(member), text, name));
  return changed;
}

// As it stands inside of a kMarked (probe_abi.h).
std::string MarkedJson(const Value& value) {
  if (value.type() == Value::Type::kMarked) return value.text();
  const auto marked = [](char mark, const std::string& text) {
    return DumpJson(trireme::Json(mark + text));
  };
  if (value.type() == Value::Type::kBytes) return marked('b', EncodeBase64(value.text()));
  if (IsNotFinite(value)) return marked('f', std::string(NotFiniteText(value.number())));
  if (IsBroken(value)) return marked('r', EncodeBase64(value.text()));
  if (value.type() == Value::Type::kText) return marked('t', value.text());
  const std::string json = value.ToJson();
  const Result<trireme::Json> parsed = ParseJson(json, "value");
  if (!parsed.ok()) return json;
  const auto text = [](const std::string& plain) { return "t" + plain; };
  return DumpJson(WithTexts(*parsed, text, MarkedName));
}

std::string UnmarkedJson(const std::string& marked) {
  const Result<trireme::Json> parsed = ParseJson(marked, "value");
  if (!parsed.ok()) return marked;
  const auto plain = [](const std::string& text) {
    return text.starts_with('r') ? *DecodeBase64(text.substr(1)) : text.substr(1);
  };
  return DumpJson(WithTexts(*parsed, plain, UnmarkedName));
}

// The JSON of the parts of a list or object, with marks if one of them needs some.
struct PartsJson {
  explicit PartsJson(bool marks) : marked(marks) {}
  std::string Of(const Value& value) const { return marked ? MarkedJson(value) : value.ToJson(); }
  std::string Name(std::string_view name) const {
    return marked ? MarkedName(name) : std::string(name);
  }
  Value::Type type() const { return marked ? Value::Type::kMarked : Value::Type::kJson; }
  bool marked;
};

[[noreturn]] void ThrowNo(std::string_view what, std::string_view type) {
  throw std::invalid_argument("'" + std::string(what) + "' is not " + std::string(type));
}

}  // namespace

std::string Value::ToJson() const {
  switch (type_) {
    case Type::kNone:
      return "null";
    case Type::kInt:
      return std::to_string(integer_);
    case Type::kBool:
      return integer_ != 0 ? "true" : "false";
    case Type::kDouble:
      return DumpJson(IsNotFinite(*this) ? trireme::Json(NotFiniteText(number_))
                                         : trireme::Json(number_));
    case Type::kText:
      return DumpJson(trireme::Json(text_));
    case Type::kBytes:
      return DumpJson(trireme::Json(EncodeBase64(text_)));
    case Type::kDigits:
      return DumpJson(trireme::Json(text_));
    case Type::kMarked:
      return UnmarkedJson(text_);
    case Type::kJson:
      return text_;
  }
  return "null";
}

Value Value::List(const std::vector<Value>& items) {
  const PartsJson json(std::any_of(items.begin(), items.end(), NeedsMarks));
  std::string text = "[";
  for (const Value& item : items) text += (text.size() > 1 ? "," : "") + json.Of(item);
  return {json.type(), text + "]"};
}

Value Value::Object(std::initializer_list<std::pair<std::string_view, Value>> members) {
  const PartsJson json(std::any_of(members.begin(), members.end(), [](const auto& member) {
    return NameNeedsMark(member.first) || NeedsMarks(member.second);
  }));
  std::string text = "{";
  for (const auto& [name, value] : members)
    text += (text.size() > 1 ? "," : "") + DumpJson(trireme::Json(json.Name(name))) + ":" +
            json.Of(value);
  return {json.type(), text + "}"};
}

bool Value::AsBool(std::string_view what) const {
  if (type_ != Type::kBool) ThrowNo(what, "a boolean");
  return integer_ != 0;
}

int64_t Value::AsInt(std::string_view what) const {
  if (type_ != Type::kInt) ThrowNo(what, "an integer");
  return integer_;
}

uint64_t Value::AsUnsigned(std::string_view what) const {
  if (const std::optional<uint64_t> large = LargeInteger(*this)) return *large;
  return static_cast<uint64_t>(AsInt(what));
}

double Value::AsDouble(std::string_view what) const {
  if (type_ == Type::kInt) return static_cast<double>(integer_);
  if (const std::optional<uint64_t> large = LargeInteger(*this)) return static_cast<double>(*large);
  if (type_ != Type::kDouble) ThrowNo(what, "a number");
  return number_;
}

std::string Value::AsText(std::string_view what) const {
  if (type_ == Type::kMarked) return ToJson();
  if (type_ != Type::kText && type_ != Type::kJson && type_ != Type::kBytes)
    ThrowNo(what, "a text");
  return text_;
}

std::vector<Value> Value::AsList(std::string_view what) const {
  if (type_ != Type::kJson && type_ != Type::kMarked) ThrowNo(what, "a list");
  const Result<trireme::Json> parsed = ParseJson(ToJson(), std::string(what));
  if (!parsed.ok() || !parsed->is_array()) ThrowNo(what, "a list");
  std::vector<Value> items;
  for (const trireme::Json& item : *parsed) items.push_back(FromJson(item.dump()));
  return items;
}

Value Value::FromJson(const std::string& text) {
  const Result<trireme::Json> parsed = ParseJson(text, "value");
  if (!parsed.ok()) throw std::invalid_argument(parsed.error().message);
  const trireme::Json& json = *parsed;
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned()) return json.get<uint64_t>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  return Json(text);
}

bool Params::Has(std::string_view name) const {
  for (const auto& [member, value] : members_)
    if (member == name) return true;
  return false;
}

const Value& Params::At(std::string_view name) const {
  for (const auto& [member, value] : members_)
    if (member == name) return value;
  throw std::invalid_argument("no parameter '" + std::string(name) + "'");
}

}  // namespace trireme
