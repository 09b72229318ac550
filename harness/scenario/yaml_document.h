#ifndef TRIREME_HARNESS_SCENARIO_YAML_DOCUMENT_H_
#define TRIREME_HARNESS_SCENARIO_YAML_DOCUMENT_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace trireme {

// One value of a YAML file and where it stands. Aliases are copied where they are used.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string text;             // of a scalar, and of a null as it was written
  bool quoted = false;          // so a scalar is text, whatever it looks like
  std::vector<YamlNode> keys;   // of a mapping: scalars, each once, in the file's order
  std::vector<YamlNode> items;  // of a sequence; of a mapping the values, beside `keys`
  int line = 1;                 // from 1
  int column = 1;               // from 1, in bytes
  int length = 1;               // of its text on that line

  // The value of `key`, null when there is none. REQUIRES: a mapping.
  const YamlNode* Find(std::string_view key) const;
};

// A parsed file and its text, for errors that point into it.
class YamlDocument {
 public:
  // Fails on what no scenario needs and a hostile file would use: bytes that are no UTF-8, more
  // than kMaxBytes of them, more than kMaxCopies values that anchors and aliases repeat, kMaxDepth
  // levels, duplicate or structured keys, tags, merge keys, several documents. Never throws.
  static Result<YamlDocument> Parse(std::string text, const std::string& path);

  const YamlNode& root() const { return root_; }
  Diagnostic ErrorAt(const YamlNode& node, std::string message, std::string hint = "") const;

  static constexpr size_t kMaxBytes = size_t{1} << 20;
  static constexpr size_t kMaxCopies = 20'000;
  static constexpr size_t kMaxDepth = 64;

 private:
  std::string text_, path_;
  YamlNode root_;
};

// A scalar or null as YAML 1.2's core schema reads it (so `no` and `0777` are text and 777): null,
// boolean, int64, double or string. A number that neither holds stays infinite, or text. REQUIRES:
// no collection.
Json ScalarValue(const YamlNode& node);

// "text", "a number", "a list": what an error says that it found.
std::string DescribeKind(const YamlNode& node);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_YAML_DOCUMENT_H_
