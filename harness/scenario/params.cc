// --param, to and fro: what a replay line prints is what the command line reads.
#include <cmath>

#include "harness/base/strings.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/scenario_keys.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

bool LooksLikeJson(const std::string& text) {
  return text.starts_with('[') || text.starts_with('{') || text.starts_with('"');
}

Json BareValue(const std::string& text) {
  if (text == "null" || text == "~") return nullptr;
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  return ScalarValue(node);
}

}  // namespace

Result<std::pair<std::string, Json>> ParseParam(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (equals == std::string::npos || !IsParamName(key))
    return UsageError("--param takes KEY=VALUE, not '" + text + "'");
  const std::string written = text.substr(equals + 1);
  if (LooksLikeJson(written)) {
    TRIREME_ASSIGN_OR_RETURN(Json value, ParseJson(written, "--param " + key));
    return std::pair(key, std::move(value));
  }
  Json value = BareValue(written);
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return UsageError("--param " + key + ": '" + written + "' is no number that JSON has");
  return std::pair(key, std::move(value));
}

std::string FormatParam(const std::string& key, const Json& value) {
  const bool bare = value.is_string() && !LooksLikeJson(value.get<std::string>()) &&
                    BareValue(value.get<std::string>()) == value;
  return key + "=" + (bare ? value.get<std::string>() : DumpJson(value));
}

}  // namespace trireme
