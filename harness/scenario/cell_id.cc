#include "harness/scenario/cell_id.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "harness/base/rng.h"

namespace trireme {
namespace {

constexpr size_t kLongestName = 80, kLongestValue = 16;

// Letters, digits, '.', '_' and '-' only; a folder becomes a dot, so that an id is one file name.
std::string Slug(std::string_view text, size_t longest) {
  static constexpr std::string_view kKept =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
  std::string slug;
  for (const char c : text) {
    if (c == '/')
      slug += '.';
    else if (kKept.find(c) != std::string_view::npos)
      slug += c;
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
    if (slug.size() == longest) break;
  }
  while (!slug.empty() && (slug.back() == '-' || slug.back() == '.')) slug.pop_back();
  const size_t first = slug.find_first_not_of(".-");
  return first == std::string::npos ? "" : slug.substr(first);
}

std::string Key(const PlannedCell& cell) {
  Json key = {{"scenario", cell.scenario},       {"params", cell.params}, {"runtime", cell.runtime},
              {"interpreter", cell.interpreter}, {"faults", cell.faults}, {"arm", cell.arm}};
  if (!cell.command.empty()) key["command"] = cell.command;
  if (!cell.lines.empty()) key["lines"] = cell.lines;
  return CanonicalJson(key);
}

std::string HexDigits(uint64_t hash, size_t digits) {
  std::string text(16, '0');
  for (size_t i = 0; i < text.size(); ++i)
    text[15 - i] = "0123456789abcdef"[(hash >> (4 * i)) & 15U];
  return text.substr(0, digits);
}

}  // namespace

std::string CellId(const PlannedCell& cell, const std::vector<std::string>& in_matrix) {
  std::vector<std::string> parts = {Slug(cell.scenario, kLongestName)};
  for (const std::string& key : in_matrix) {
    const Json& value = GetMember(cell.params, key.c_str());
    if (value.is_structured()) continue;
    parts.push_back(
        Slug(value.is_string() ? value.get<std::string>() : DumpJson(value), kLongestValue));
  }
  parts.push_back(Slug(cell.runtime, kLongestName));
  parts.push_back(Slug(cell.interpreter, kLongestName));
  for (const std::string& plan : TextsOf(cell.faults)) parts.push_back(Slug(plan, kLongestName));
  std::string id;
  for (const std::string& part : parts)
    if (!part.empty()) id += part + '-';
  // FNV-1a's high bits are its weak ones; a mix spreads them over the digits that are shown.
  return id + HexDigits(Mix64(Hash64(Key(cell))), in_matrix.empty() ? 4 : 12);
}

}  // namespace trireme
