#ifndef TRIREME_WORKLOAD_VALUE_H_
#define TRIREME_WORKLOAD_VALUE_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace trireme {

// What is recorded and what parameters are: a JSON value, or bytes. Numbers, texts and booleans
// convert by themselves, so do vectors of them; Object() and Bytes() say the rest.
class Value {
 public:
  // As the history stores them: add, never renumber.
  enum class Type : uint16_t {
    kNone = 0,
    kInt = 1,
    kDouble = 2,
    kText = 3,
    kJson = 4,
    kBool = 5,
    kBytes = 6,
    kDigits = 7,
    kMarked = 8
  };

  Value() = default;
  // Implicit, all of them: a workload hands over what it has.
  Value(std::nullptr_t) {}                                            // NOLINT
  Value(bool value) : type_(Type::kBool), integer_(value ? 1 : 0) {}  // NOLINT
  Value(double value) : type_(Type::kDouble), number_(value) {}       // NOLINT
  template <typename T>
  requires(std::integral<T> && !std::same_as<T, bool>) Value(T value)
      : type_(Type::kInt), integer_(static_cast<int64_t>(value)) {  // NOLINT: implicit, as the others
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(int64_t))
      if (integer_ < 0) *this = Json(std::to_string(value));  // too large for kInt
  }
  Value(const char* text) : type_(Type::kText), text_(text) {}             // NOLINT
  Value(std::string text) : type_(Type::kText), text_(std::move(text)) {}  // NOLINT
  Value(std::string_view text) : type_(Type::kText), text_(text) {}        // NOLINT
  template <typename T>
  Value(const std::vector<T>& items)
      : Value(List(std::vector<Value>(items.begin(), items.end()))) {}  // NOLINT

  static Value Bytes(std::string bytes) { return Value(Type::kBytes, std::move(bytes)); }
  // REQUIRES: `text` is valid JSON.
  static Value Json(std::string text) { return Value(Type::kJson, std::move(text)); }
  // Its type follows the text's. Throws std::invalid_argument when that is no JSON.
  static Value FromJson(const std::string& text);
  static Value List(const std::vector<Value>& items);
  static Value Object(std::initializer_list<std::pair<std::string_view, Value>> members);

  Type type() const { return type_; }
  int64_t integer() const { return integer_; }
  double number() const { return number_; }
  const std::string& text() const { return text_; }

  // As JSON text; bytes as base64, a double that JSON has no number for as text.
  std::string ToJson() const;

  // The value as a T: bool, an integer, a double, std::string or a vector of these; throws
  // std::invalid_argument for another type. `what` names it in the error.
  template <typename T>
  T As(std::string_view what = "value") const {
    if constexpr (std::same_as<T, bool>)
      return AsBool(what);
    else if constexpr (std::unsigned_integral<T>)
      return static_cast<T>(AsUnsigned(what));
    else if constexpr (std::integral<T>)
      return static_cast<T>(AsInt(what));
    else if constexpr (std::floating_point<T>)
      return static_cast<T>(AsDouble(what));
    else if constexpr (std::same_as<T, std::string>)
      return AsText(what);
    else
      return AsVector<typename T::value_type>(what);
  }

 private:
  Value(Type type, std::string text) : type_(type), text_(std::move(text)) {}

  bool AsBool(std::string_view what) const;
  int64_t AsInt(std::string_view what) const;
  uint64_t AsUnsigned(std::string_view what) const;
  double AsDouble(std::string_view what) const;
  std::string AsText(std::string_view what) const;
  std::vector<Value> AsList(std::string_view what) const;
  template <typename T>
  std::vector<T> AsVector(std::string_view what) const {
    std::vector<T> items;
    for (const Value& item : AsList(what)) items.push_back(item.As<T>(what));
    return items;
  }

  Type type_ = Type::kNone;
  union {
    int64_t integer_ = 0;
    double number_;
  };
  std::string text_;
};

// The parameters of a cell: params.Get<int>("rounds").
class Params {
 public:
  Params() = default;
  explicit Params(std::vector<std::pair<std::string, Value>> members)
      : members_(std::move(members)) {}

  bool Has(std::string_view name) const;
  // Throws std::invalid_argument when there is none of that name, or it has another type.
  template <typename T>
  T Get(std::string_view name) const {
    return At(name).As<T>(name);
  }
  template <typename T>
  T Get(std::string_view name, T fallback) const {
    return Has(name) ? Get<T>(name) : fallback;
  }
  const Value& At(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, Value>> members_;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_VALUE_H_
