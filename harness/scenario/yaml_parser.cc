// The only file that knows yaml-cpp. Its events are used, not its nodes: they leave the expansion
// of aliases, the depth and repeated keys to us, so that no file can make this process large, deep
// or slow.
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "harness/base/strings.h"
#include "harness/scenario/source_text.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

using Kind = YamlNode::Kind;

// How far the token at `text` reaches on its line: a quoted one to its closing quote. 0 for a quote
// that never closes.
size_t QuotedLength(std::string_view text) {
  const char quote = text.front();
  for (size_t i = 1; i < text.size(); ++i) {
    const bool doubled = quote == '\'' && text.substr(i).starts_with("''");
    const bool escaped = quote == '"' && text[i] == '\\';
    if (doubled || escaped)
      ++i;
    else if (text[i] == quote)
      return i + 1;
  }
  return 0;
}

size_t CountNodes(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += CountNodes(item);
  return count + node.keys.size();
}

// Builds nodes from the parser's events. After the first error it ignores what follows; the parser
// reads on to the end of the file, which is bounded.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const SourceText& source) : text_(text), source_(source) {}

  const std::optional<Diagnostic>& error() const { return error_; }
  std::optional<YamlNode>& root() { return root_; }

  // The innermost bracket that is open, null when none is.
  const YamlNode* OpenBracket() const {
    for (auto frame = stack_.rbegin(); frame != stack_.rend(); ++frame)
      if (frame->flow) return &frame->node;
    return nullptr;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_)
      Fail(NodeAt(mark), "a second document begins",
           "a scenario is one document: remove the '---'");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = NodeAt(mark);
    const std::string_view written = At(mark);
    for (const std::string_view word : {"null", "Null", "NULL", "~"})
      if (written.starts_with(word)) node.text = word;
    node.length = static_cast<int>(node.text.size());
    Complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (error_) return;
    YamlNode place = NodeAt(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return Fail(place, "this alias stands inside what it names");
    // The copy keeps the places of the original: an error in it is mended there.
    copies_ += CountNodes(found->second);
    if (!Bounded(place)) return;
    Attach(found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = NodeAt(mark);
    node.kind = Kind::kScalar;
    node.text = value;
    node.quoted = tag == "!";
    if (!CheckTag(node, tag)) return;
    const std::string_view written = At(mark);
    const bool quoted = written.starts_with('"') || written.starts_with('\'');
    if (quoted && QuotedLength(written) == 0) return Fail(node, "this quote never closes");
    if (quoted)
      node.length = static_cast<int>(QuotedLength(written));
    else if (written.starts_with(value))
      node.length = static_cast<int>(value.size());
    Complete(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(mark, Kind::kSequence, tag, anchor, style);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(mark, Kind::kMapping, tag, anchor, style);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor;
    bool flow;                         // in brackets
    std::map<std::string, int> lines;  // of a mapping: key -> its line
  };

  std::string_view At(const YAML::Mark& mark) const {
    return mark.pos < 0 || static_cast<size_t>(mark.pos) > text_.size()
               ? ""
               : text_.substr(static_cast<size_t>(mark.pos));
  }

  // A node stands where its text does, behind its anchor.
  YamlNode NodeAt(const YAML::Mark& mark) const {
    YamlNode node;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void Fail(const YamlNode& node, std::string message, std::string hint = "") {
    if (!error_)
      error_ =
          source_.ErrorAt(node.line, node.column, node.length, std::move(message), std::move(hint));
  }

  // The size of the file bounds what is written in it; what is repeated nothing does.
  bool Bounded(const YamlNode& place) {
    if (copies_ <= YamlDocument::kMaxCopies) return true;
    Fail(place,
         "anchors and aliases repeat more than " + std::to_string(YamlDocument::kMaxCopies) +
             " values",
         "an alias repeats everything that it names");
    return false;
  }

  bool CheckTag(const YamlNode& node, const std::string& tag) {
    if (tag == "!" || tag == "?" || tag.empty()) return true;
    Fail(node, "tags are not supported", "quote the value to make it text");
    return false;
  }

  void Open(const YAML::Mark& mark, Kind kind, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (error_) return;
    YamlNode node = NodeAt(mark);
    node.kind = kind;
    if (!CheckTag(node, tag)) return;
    if (stack_.size() == YamlDocument::kMaxDepth)
      return Fail(node,
                  "nested deeper than " + std::to_string(YamlDocument::kMaxDepth) + " levels");
    stack_.push_back({.node = std::move(node),
                      .anchor = anchor,
                      .flow = style == YAML::EmitterStyle::Flow,
                      .lines = {}});
  }

  void Close() {
    if (error_) return;
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Complete(std::move(frame.node), frame.anchor);
  }

  void Complete(YamlNode node, YAML::anchor_t anchor) {
    if (error_) return;
    if (anchor != 0) {
      anchors_[anchor] = node;
      copies_ += CountNodes(node);
    }
    if (Bounded(node)) Attach(std::move(node));
  }

  void Attach(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind != Kind::kMapping)
      frame.node.items.push_back(std::move(node));
    else if (frame.node.keys.size() == frame.node.items.size())
      AttachKey(frame, std::move(node));
    else
      AttachValue(frame.node, std::move(node));
  }

  void AttachKey(Frame& frame, YamlNode key) {
    if (key.kind != Kind::kScalar) return Fail(key, "a key must be text, not " + DescribeKind(key));
    if (key.text == "<<" && !key.quoted)
      return Fail(key, "merge keys are not supported",
                  "repeat the keys, or name the whole value by an alias");
    const auto [first, added] = frame.lines.emplace(key.text, key.line);
    if (!added)
      return Fail(key, "duplicate key '" + key.text + "'",
                  "the first is in line " + std::to_string(first->second));
    frame.node.keys.push_back(std::move(key));
  }

  // The parser places an empty value at the token that follows; its key is what a reader looks for.
  static void AttachValue(YamlNode& mapping, YamlNode value) {
    if (value.kind == Kind::kNull && value.text.empty()) {
      const YamlNode& key = mapping.keys.back();
      std::tie(value.line, value.column, value.length) =
          std::tuple(key.line, key.column, key.length);
    }
    mapping.items.push_back(std::move(value));
  }

  std::string_view text_;
  const SourceText& source_;
  std::optional<Diagnostic> error_;
  std::optional<YamlNode> root_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  size_t copies_ = 0;
};

bool IsControl(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (text[at] == '\t' || text[at] == '\n') return false;
  if (text[at] == '\r') return at + 1 == text.size() || text[at + 1] != '\n';
  return byte < 0x20 || byte == 0x7F;
}

std::optional<Diagnostic> FindBadByte(std::string_view text, const SourceText& source) {
  const std::string valid = ToValidUtf8(text);
  size_t at = static_cast<size_t>(
      std::mismatch(text.begin(), text.end(), valid.begin(), valid.end()).first - text.begin());
  std::string what = "not valid UTF-8";
  for (size_t i = 0; i < at; ++i) {
    if (!IsControl(text, i)) continue;
    what = "a control character";
    at = i;
  }
  if (at == text.size()) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  const auto column = static_cast<int>(at - (before.rfind('\n') + 1)) + 1;
  return source.ErrorAt(line, column, 1, std::move(what), "YAML is UTF-8 text");
}

Diagnostic ParserError(const SourceText& source, const YAML::Exception& error,
                       const TreeBuilder& builder) {
  const int line = std::max(error.mark.line, 0) + 1;
  const int column = std::max(error.mark.column, 0) + 1;
  const std::string_view text = source.Line(line);
  const size_t tab = text.find_first_not_of(' ');
  if (tab != std::string_view::npos && text[tab] == '\t')
    return source.ErrorAt(line, static_cast<int>(tab) + 1, 1, "a tab indents this line",
                          "indent with spaces");
  // At the end of the file what matters is where the bracket stands that nothing closed.
  const YamlNode* bracket = builder.OpenBracket();
  if (bracket != nullptr && source.IsBehindTheEnd(line, column))
    return source.ErrorAt(bracket->line, bracket->column, 1, "this bracket never closes", "");
  if (dynamic_cast<const YAML::DeepRecursion*>(&error) != nullptr)
    return source.ErrorAt(
        line, column, 1,
        "nested deeper than " + std::to_string(YamlDocument::kMaxDepth) + " levels", "");
  return source.ErrorAt(line, column, 1, "not valid YAML: " + error.msg, "");
}

}  // namespace

Result<YamlDocument> YamlDocument::Parse(std::string text, const std::string& path) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  YamlDocument document;
  document.text_ = std::move(text);
  document.path_ = path;
  const SourceText source(document.text_, document.path_);
  const auto whole_file = [&](std::string message, std::string hint) {
    return source.ErrorAt(0, 0, 1, std::move(message), std::move(hint));
  };
  if (document.text_.size() > kMaxBytes)
    return whole_file("larger than 1 MiB",
                      "it is to be a short text: a workload reads data from a file of its own");
  if (auto bad = FindBadByte(document.text_, source)) return *std::move(bad);
  TreeBuilder builder(document.text_, source);
  try {
    std::istringstream stream(document.text_);
    YAML::Parser parser(stream);
    while (!builder.error() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    return builder.error() ? *builder.error() : ParserError(source, error, builder);
  } catch (const std::exception& error) {
    return whole_file(std::string("not valid YAML: ") + error.what(), "");
  }
  if (builder.error()) return *builder.error();
  if (!builder.root() || builder.root()->kind == Kind::kNull)
    return whole_file("the file is empty", "it is to begin with 'version: 1'");
  document.root_ = *std::move(builder.root());
  return document;
}

}  // namespace trireme
