#include "harness/check/wire_model.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace trireme {
namespace {

// "message 000001 header etag" -> "message 1 header etag"
std::string NameInWords(const std::string& name) {
  const size_t space = name.find(' ');
  const size_t digit = std::min(name.find_first_not_of('0', space + 1), name.size());
  std::string rest = name.substr(digit);
  if (rest.ends_with(' ')) rest += "start line";
  if (const size_t body = rest.find(" ~body"); body != std::string::npos) rest.erase(body + 1, 1);
  return name.substr(0, space + 1) + rest;
}

}  // namespace

WireModel::WireModel(WireRule rule, const std::vector<const Stream*>& trials, WireMasks masks)
    : rule_(rule),
      masks_(std::move(masks)),
      first_(*trials.front()),
      bytes_(Comparable(first_.bytes)) {
  if (rule_ == WireRule::kExact)
    known_ = bytes_.size();
  else
    fields_ = SplitStream(bytes_, rule_);
  for (const auto& [name, field] : fields_)
    if (rule_ == WireRule::kHttp && IsVolatileField(name)) masked_fields_.insert(name);
  masked_fields_.insert(masks_.varies.fields.begin(), masks_.varies.fields.end());
  masked_bytes_ = masks_.varies.bytes;
  masked_bytes_.resize(std::min(masked_bytes_.size(), bytes_.size()));
  for (size_t i = 1; i < trials.size(); ++i) Mask(*trials[i]);
  MaskWholeWords();
}

int64_t WireModel::masked() const {
  const size_t bytes = std::count(masked_bytes_.begin(), masked_bytes_.end(), true);
  return static_cast<int64_t>(bytes + masked_fields_.size() + (open_ ? 1 : 0));
}

std::optional<WireDifference> WireModel::Compare(const Stream& stream) const {
  const std::string bytes = Comparable(stream.bytes);
  return rule_ == WireRule::kExact ? CompareBytes(bytes) : CompareFields(bytes);
}

std::string WireModel::Comparable(const std::string& bytes) const {
  return masks_.ports ? WithoutPorts(WithoutDates(bytes)) : WithoutDates(bytes);
}

void WireModel::Mask(const Stream& other) {
  masks_close_ |= other.close != first_.close;
  const std::string bytes = Comparable(other.bytes);
  if (rule_ == WireRule::kExact) return MaskBytes(bytes);
  const auto fields = SplitStream(bytes, rule_);
  for (const auto& [name, field] : fields_) {
    const auto same = fields.find(name);
    if (same == fields.end() || same->second.value != field.value) masked_fields_.insert(name);
  }
  for (const auto& [name, field] : fields)
    if (!fields_.contains(name)) masked_fields_.insert(name);
}

void WireModel::MaskBytes(const std::string& other) {
  open_ |= other.size() != bytes_.size();
  known_ = std::min(known_, other.size());
  masked_bytes_.resize(bytes_.size());
  for (size_t i = 0; i < known_; ++i)
    if (other[i] != bytes_[i]) masked_bytes_[i] = true;
}

// A random id has some of its digits in common with the next one by chance.
void WireModel::MaskWholeWords() {
  const auto is_word = [&](size_t i) {
    return std::isalnum(static_cast<unsigned char>(bytes_[i])) != 0;
  };
  for (size_t i = 1; i < masked_bytes_.size(); ++i)
    if (masked_bytes_[i - 1] && is_word(i - 1) && is_word(i)) masked_bytes_[i] = true;
  for (size_t i = masked_bytes_.size(); i-- > 1;)
    if (masked_bytes_[i] && is_word(i) && is_word(i - 1)) masked_bytes_[i - 1] = true;
}

std::optional<WireDifference> WireModel::CompareBytes(const std::string& bytes) const {
  const size_t common = std::min(known_, bytes.size());
  for (size_t i = 0; i < common; ++i) {
    const bool masked = i < masked_bytes_.size() && masked_bytes_[i];
    if (!masked && bytes[i] != bytes_[i])
      return WireDifference{.here = i, .there = i, .what = "byte " + std::to_string(i)};
  }
  if (bytes.size() < known_ || (!open_ && bytes.size() > known_))
    return WireDifference{
        .here = common, .there = common, .what = "byte " + std::to_string(common)};
  return std::nullopt;
}

std::optional<WireDifference> WireModel::CompareFields(const std::string& bytes) const {
  const auto fields = SplitStream(bytes, rule_);
  for (const auto& [name, field] : fields_) {
    if (masked_fields_.contains(name)) continue;
    const auto same = fields.find(name);
    if (same == fields.end())
      return WireDifference{
          .here = bytes.size(), .there = field.offset, .what = NameInWords(name)};
    if (same->second.value == field.value) continue;
    const auto [a, b] = std::mismatch(field.value.begin(), field.value.end(),
                                      same->second.value.begin(), same->second.value.end());
    const auto inside = static_cast<size_t>(a - field.value.begin());
    return WireDifference{.here = same->second.offset + inside,
                          .there = field.offset + inside,
                          .what = NameInWords(name)};
  }
  for (const auto& [name, field] : fields)
    if (!fields_.contains(name) && !masked_fields_.contains(name) && !IsVolatileField(name))
      return WireDifference{
          .here = field.offset, .there = bytes_.size(), .what = NameInWords(name)};
  return std::nullopt;
}

}  // namespace trireme
