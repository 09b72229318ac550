#include "harness/check/wire_variation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

namespace trireme {
namespace {

// How often each value was seen.
template <typename Counts>
bool MostPairsDisagree(const Counts& counts) {
  int64_t all = 0, agreeing = 0;
  for (const int64_t count : counts) {
    all += count;
    agreeing += count * (count - 1) / 2;
  }
  return 2 * agreeing < all * (all - 1) / 2;
}

std::vector<bool> VaryingBytes(const std::vector<std::string>& trials) {
  size_t longest = 0;
  for (const std::string& bytes : trials) longest = std::max(longest, bytes.size());
  std::vector<bool> varying(longest);
  for (size_t i = 0; i < longest; ++i) {
    std::array<int64_t, 256> counts{};
    for (const std::string& bytes : trials)
      if (i < bytes.size()) ++counts[static_cast<unsigned char>(bytes[i])];
    varying[i] = MostPairsDisagree(counts);
  }
  return varying;
}

std::set<std::string> VaryingFields(WireRule rule, const std::vector<std::string>& trials) {
  std::map<std::string, std::map<std::string, int64_t>> seen;  // by name, by value
  for (const std::string& bytes : trials)
    for (const auto& [name, field] : SplitStream(bytes, rule)) ++seen[name][field.value];
  std::set<std::string> varying;
  for (const auto& [name, values] : seen) {
    std::vector<int64_t> counts;
    for (const auto& [value, count] : values) counts.push_back(count);
    if (MostPairsDisagree(counts)) varying.insert(name);
  }
  return varying;
}

}  // namespace

WireVariation VariationOf(WireRule rule, const std::vector<std::string>& trials) {
  if (rule == WireRule::kExact) return {.fields = {}, .bytes = VaryingBytes(trials)};
  return {.fields = VaryingFields(rule, trials), .bytes = {}};
}

}  // namespace trireme
