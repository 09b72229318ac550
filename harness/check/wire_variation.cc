#include "harness/check/wire_variation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

namespace trireme {
namespace {

// `counts`: how often each value was seen.
template <typename Counts>
bool Varies(const Counts& counts, Variation variation) {
  int64_t all = 0, agreeing = 0;
  for (const int64_t count : counts) {
    all += count;
    agreeing += count * (count - 1) / 2;
  }
  const int64_t pairs = all * (all - 1) / 2;
  return variation == Variation::kLikely ? 2 * agreeing < pairs : all > 2 && 4 * agreeing < pairs;
}

std::vector<bool> VaryingBytes(const std::vector<std::string>& trials, Variation variation) {
  size_t longest = 0;
  for (const std::string& bytes : trials) longest = std::max(longest, bytes.size());
  std::vector<bool> varying(longest);
  for (size_t i = 0; i < longest; ++i) {
    std::array<int64_t, 256> counts{};
    for (const std::string& bytes : trials)
      if (i < bytes.size()) ++counts[static_cast<unsigned char>(bytes[i])];
    varying[i] = Varies(counts, variation);
  }
  return varying;
}

std::set<std::string> VaryingFields(WireRule rule, const std::vector<std::string>& trials,
                                    Variation variation) {
  std::map<std::string, std::map<std::string, int64_t>> seen;  // by name, by value
  for (const std::string& bytes : trials)
    for (const auto& [name, field] : SplitStream(bytes, rule)) ++seen[name][field.value];
  std::set<std::string> varying;
  for (const auto& [name, values] : seen) {
    std::vector<int64_t> counts;
    for (const auto& [value, count] : values) counts.push_back(count);
    if (Varies(counts, variation)) varying.insert(name);
  }
  return varying;
}

}  // namespace

WireVariation VariationOf(WireRule rule, const std::vector<std::string>& trials,
                          Variation variation) {
  if (rule == WireRule::kExact) return {.fields = {}, .bytes = VaryingBytes(trials, variation)};
  return {.fields = VaryingFields(rule, trials, variation), .bytes = {}};
}

}  // namespace trireme
