#include "harness/scenario/fault_reader.h"

#include <cctype>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr size_t kLongestFaultName = 47;  // has to fit into what the probe reads
constexpr Range kAnyCount = {0, std::numeric_limits<int64_t>::max()};
// Beyond what any stream, file or memory has, and as far as the probe counts.
constexpr Range kAnySize = {0, int64_t{255} << 40};
// Back as well as on.
constexpr Range kJump = {-kLongestDuration, kLongestDuration};
constexpr Range kFaultDuration = {0, 86'400'000'000'000};  // 24h

Result<Json> ReadBandwidth(const FieldReader& reader, const YamlNode& node,
                           const std::string& what) {
  YamlNode size = node;
  const bool a_second = size.text.ends_with("ps");
  if (a_second) size.text.resize(size.text.size() - 2);
  const std::optional<int64_t> bytes = ParseBytes(size.text);
  if (node.kind != YamlNode::Kind::kScalar || !a_second || !bytes || *bytes == 0)
    return reader.ErrorAt(node,
                          what + " must be a bandwidth, not " +
                              (node.text.empty() ? DescribeKind(node) : "'" + node.text + "'"),
                          "write it as 64KiBps or 1MBps");
  return Json(*bytes);
}

Result<Json> ReadFraction(const FieldReader& reader, const YamlNode& node, const std::string& what,
                          bool share) {
  TRIREME_ASSIGN_OR_RETURN(const double number, reader.Number(node, what));
  if (share && !(number >= 0 && number <= 1))
    return reader.ErrorAt(node, what + " must be from 0 to 1, not " + node.text, "0.01 is 1 %");
  if (!share && !(number > 0))
    return reader.ErrorAt(node, what + " must be above 0, not " + node.text);
  return Json(number);
}

Result<Json> ReadTextOrTexts(const FieldReader& reader, const YamlNode& node,
                             const std::string& what) {
  if (node.kind != YamlNode::Kind::kSequence) {
    TRIREME_ASSIGN_OR_RETURN(const std::string text, reader.Text(node, what));
    return Json::array({text});
  }
  TRIREME_RETURN_IF_ERROR(reader.List(node, what));
  TRIREME_ASSIGN_OR_RETURN(const std::vector<std::string> texts, reader.Texts(node, what));
  return Json(texts);
}

template <typename T>
Result<Json> AsJson(Result<T> value) {
  if (!value.ok()) return std::move(value).error();
  return Json(*std::move(value));
}

Result<Json> ReadField(const FieldReader& reader, const YamlNode& node,
                       const Vocabulary::FaultField& field) {
  const std::string what = "'" + field.name + "'";
  if (field.type == "duration") return AsJson(reader.Duration(node, what, kFaultDuration));
  if (field.type == "signed-duration") return AsJson(reader.Duration(node, what, kJump));
  if (field.type == "bytes") return AsJson(reader.Bytes(node, what, kAnySize));
  if (field.type == "bandwidth") return ReadBandwidth(reader, node, what);
  if (field.type == "count") return AsJson(reader.Whole(node, what, kAnyCount));
  if (field.type == "share") return ReadFraction(reader, node, what, true);
  if (field.type == "factor") return ReadFraction(reader, node, what, false);
  if (field.type == "boolean") return AsJson(reader.Boolean(node, what));
  if (field.type == "text") return AsJson(reader.Text(node, what));
  TRIREME_CHECK(field.type == "texts");
  return ReadTextOrTexts(reader, node, what);
}

Result<Json> ReadFields(const FieldReader& reader, const YamlNode& node,
                        const Vocabulary::FaultClass& about) {
  std::vector<std::string> known;
  for (const Vocabulary::FaultField& field : about.fields) known.push_back(field.name);
  TRIREME_RETURN_IF_ERROR(reader.Keys(node, "'" + about.key + "'", known));
  Json members = Json::object();
  for (const Vocabulary::FaultField& field : about.fields) {
    const YamlNode* member = node.Find(field.name);
    if (member == nullptr) continue;
    TRIREME_ASSIGN_OR_RETURN(members[field.name], ReadField(reader, *member, field));
  }
  return members;
}

Result<std::string> ReadFaultName(const FieldReader& reader, const YamlNode& node) {
  TRIREME_ASSIGN_OR_RETURN(std::string name, reader.Text(node, "'name'"));
  if (IsFaultName(name)) return name;
  return reader.ErrorAt(node, "'" + name + "' cannot name a fault",
                        "use letters, digits, '.', '_' and '-', at most " +
                            std::to_string(kLongestFaultName) + ", but not 'none'");
}

const YamlNode* FindKey(const YamlNode& node, const std::string& name) {
  if (node.kind != YamlNode::Kind::kMapping) return nullptr;
  for (const YamlNode& key : node.keys)
    if (key.text == name) return &key;
  return nullptr;
}

// The key below `node` that `path` names, "at.offset", as far as it is written there.
const YamlNode& KeyAt(const YamlNode& node, const std::string& path) {
  const YamlNode* found = &node;
  const YamlNode* below = &node;
  for (const std::string& name : Split(path, '.')) {
    const YamlNode* key = FindKey(*below, name);
    if (key == nullptr) break;
    found = key;
    below = below->Find(name);
  }
  return *found;
}

// Reads the faults of one plan.
class PlanReader {
 public:
  PlanReader(const FieldReader& reader, const Vocabulary& vocabulary)
      : reader_(reader), vocabulary_(vocabulary) {
    for (const Vocabulary::FaultClass& about : vocabulary.faults) classes_.push_back(about.key);
  }

  Result<Json> Read(const YamlNode& node, const std::string& given_name,
                    std::span<const std::string> others) {
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(node, "a fault"));
    const YamlNode* all = node.Find("all");
    TRIREME_RETURN_IF_ERROR(CheckKeys(node, all != nullptr, others));
    std::string name = given_name;
    if (const YamlNode* own = node.Find("name"); own != nullptr && name.empty()) {
      TRIREME_ASSIGN_OR_RETURN(name, ReadFaultName(reader_, *own));
    }
    if (name.empty()) return reader_.ErrorAt(node, "this fault has no 'name'");
    Json plan = {{"name", name}, {"summary", ""}, {"all", Json::array()}};
    if (all == nullptr) {
      TRIREME_RETURN_IF_ERROR(Add(plan, node, name));
    } else {
      TRIREME_RETURN_IF_ERROR(reader_.List(*all, "'all'"));
      for (const YamlNode& item : all->items) {
        static const std::vector<std::string> kNone;
        TRIREME_RETURN_IF_ERROR(reader_.Mapping(item, "a fault"));
        TRIREME_RETURN_IF_ERROR(CheckKeys(item, false, kNone));
        TRIREME_RETURN_IF_ERROR(Add(plan, item, all->items.size() == 1 ? name : ""));
      }
    }
    TRIREME_RETURN_IF_ERROR(Check(plan, node));
    return plan;
  }

  // REQUIRES: it was read.
  void AddLate(std::vector<LateFault>& late) const {
    for (const auto& [name, node] : nodes_) {
      for (const std::string& key : classes_) {
        const YamlNode* members = node->Find(key);
        const YamlNode* after = members == nullptr ? nullptr : members->Find("after");
        if (after == nullptr) continue;
        const Result<int64_t> begin = reader_.Duration(*after, "'after'", kFaultDuration);
        if (begin.ok()) late.push_back({name, *begin, reader_.ErrorAt(*after, "")});
      }
    }
  }

 private:
  Status CheckKeys(const YamlNode& node, bool combines, std::span<const std::string> others) const {
    std::vector<std::string> known = {"name"};
    known.insert(known.end(), others.begin(), others.end());
    if (combines) {
      known.emplace_back("all");
    } else {
      known.emplace_back("seed");
      known.insert(known.end(), classes_.begin(), classes_.end());
    }
    for (const YamlNode& key : node.keys)
      if (combines && (key.text == "seed" || IsClass(key.text)))
        return reader_.ErrorAt(key, "'" + key.text + "' beside 'all'",
                               "it belongs to one of the faults below 'all'");
    return reader_.Keys(node, "a fault", known);
  }

  bool IsClass(const std::string& key) const {
    for (const std::string& known : classes_)
      if (known == key) return true;
    return false;
  }

  // `fallback` names a fault that has no name.
  Status Add(Json& plan, const YamlNode& node, const std::string& fallback) {
    TRIREME_ASSIGN_OR_RETURN(Json fault, ReadFault(node, fallback));
    const std::string name = GetString(fault, "name");
    for (const auto& [other, place] : nodes_)
      if (other == name)
        return reader_.ErrorAt(*node.Find("name"),
                               "two faults of this plan are named '" + name + "'",
                               "its events in the history could not be told apart");
    nodes_.emplace_back(name, &node);
    plan["all"].push_back(std::move(fault));
    return Done{};
  }

  Result<Json> ReadFault(const YamlNode& node, const std::string& fallback) const {
    Json fault = {{"name", fallback}};
    if (const YamlNode* name = node.Find("name")) {
      TRIREME_ASSIGN_OR_RETURN(fault["name"], ReadFaultName(reader_, *name));
    } else if (fallback.empty()) {
      return reader_.ErrorAt(node, "this fault has no 'name'");
    }
    if (const YamlNode* seed = node.Find("seed")) {
      const std::optional<uint64_t> number = ParseUnsigned(seed->text);
      if (!number)
        return reader_.ErrorAt(
            *seed, "'seed' must be a number such as 17 or 0x5eed, not " + DescribeKind(*seed),
            "from 0 to " + std::to_string(std::numeric_limits<uint64_t>::max()));
      fault["seed"] = FormatHex(*number);
    }
    std::string key;
    for (const Vocabulary::FaultClass& about : vocabulary_.faults) {
      const YamlNode* members = node.Find(about.key);
      if (members == nullptr) continue;
      if (about.key != "at" && !key.empty())
        return reader_.ErrorAt(*members,
                               "a fault is of one class, not '" + key + "' and '" + about.key + "'",
                               "combine two with all: [...]");
      if (about.key != "at") key = about.key;
      TRIREME_ASSIGN_OR_RETURN(fault[about.key], ReadFields(reader_, *members, about));
    }
    if (key.empty())
      return reader_.ErrorAt(node, "this fault does nothing", "write for example do: {short: 1}");
    return fault;
  }

  // What the layer of the faults says, at the key that it names.
  Status Check(const Json& plan, const YamlNode& whole) const {
    if (!vocabulary_.check_faults) return Done{};
    const Status status = vocabulary_.check_faults(plan);
    if (status.ok()) return Done{};
    for (const auto& [name, node] : nodes_)
      if (status.error().message.starts_with(name + ": "))
        return reader_.ErrorAt(KeyAt(*node, status.error().key), status.error());
    return reader_.ErrorAt(KeyAt(whole, "all"), status.error());
  }

  const FieldReader& reader_;
  const Vocabulary& vocabulary_;
  std::vector<std::string> classes_;
  std::vector<std::pair<std::string, const YamlNode*>> nodes_;  // by the faults' names
};

}  // namespace

bool IsFaultName(const std::string& name) {
  if (name.empty() || name.size() > kLongestFaultName || name == "none" ||
      std::isalnum(static_cast<unsigned char>(name[0])) == 0)
    return false;
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
         std::string::npos;
}

Result<Json> ReadFaultPlan(const FieldReader& reader, const YamlNode& node, const std::string& name,
                           std::span<const std::string> others, const Vocabulary& vocabulary,
                           std::vector<LateFault>* late) {
  PlanReader plan(reader, vocabulary);
  Result<Json> read = plan.Read(node, name, others);
  if (read.ok() && late != nullptr) plan.AddLate(*late);
  return read;
}

}  // namespace trireme
