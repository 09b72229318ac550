#ifndef TRIREME_HARNESS_SCENARIO_FIELD_READER_H_
#define TRIREME_HARNESS_SCENARIO_FIELD_READER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {

// The limits of a duration, in nanoseconds, or of a count.
struct Range {
  int64_t low, high;
};

// Typed reads from a document. `what` names the value in errors ("'trials'").
class FieldReader {
 public:
  explicit FieldReader(const YamlDocument& document) : document_(document) {}

  Diagnostic ErrorAt(const YamlNode& node, std::string message, std::string hint = "") const {
    return document_.ErrorAt(node, std::move(message), std::move(hint));
  }

  // `error` with this place.
  Diagnostic ErrorAt(const YamlNode& node, const Diagnostic& error) const {
    return document_.ErrorAt(node, error.message, error.hint);
  }

  // Not empty. A number or `true` is no text: it has to be quoted.
  Result<std::string> Text(const YamlNode& node, const std::string& what) const;
  Result<std::vector<std::string>> Texts(const YamlNode& node, const std::string& what) const;
  Result<bool> Boolean(const YamlNode& node, const std::string& what) const;
  Result<int64_t> Whole(const YamlNode& node, const std::string& what, Range range) const;
  Result<double> Number(const YamlNode& node, const std::string& what) const;
  Result<int64_t> Duration(const YamlNode& node, const std::string& what, Range range) const;
  Result<int64_t> Bytes(const YamlNode& node, const std::string& what, Range range) const;
  Result<std::string> OneOf(const YamlNode& node, const std::string& what,
                            std::span<const std::string> words) const;
  // A list that is not empty.
  Status List(const YamlNode& node, const std::string& what) const;
  Status Mapping(const YamlNode& node, const std::string& what) const;
  // A mapping with no keys but these; `noun` is what an unknown one is called.
  Status Keys(const YamlNode& node, const std::string& what, std::span<const std::string> known,
              const std::string& noun = "key") const;
  // Any value, as JSON. Numbers are finite.
  Result<Json> Value(const YamlNode& node) const;

 private:
  Diagnostic WrongType(const YamlNode& node, const std::string& what,
                       const std::string& wanted) const;

  const YamlDocument& document_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_FIELD_READER_H_
