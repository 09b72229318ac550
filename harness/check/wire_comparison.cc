#include "harness/check/wire_comparison.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/sync_events.h"
#include "harness/check/wire_variation.h"

namespace trireme {
namespace {

using StreamsByTrial = std::map<int64_t, Streams>;

constexpr size_t kExcerpt = 40;  // bytes on each side of a difference

// "GET /a\\r\\n"
std::string Printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
    if (c == '\n')
      text += "\\n";
    else if (c == '\r')
      text += "\\r";
    else if (c >= ' ' && c < 127 && c != '\\' && c != '"')
      text += c;
    else
      text += escaped;
  }
  return text;
}

std::string Hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char digits[8];
    std::snprintf(digits, sizeof digits, text.empty() ? "%02x" : " %02x",
                  static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}

std::string Excerpt(const std::string& bytes, size_t offset) {
  const size_t begin = offset > kExcerpt ? offset - kExcerpt : 0;
  return bytes.substr(std::min(begin, bytes.size()), offset - begin + kExcerpt);
}

const Stream* Find(const Streams& streams, const StreamKey& key) {
  const auto found = streams.find(key);
  return found == streams.end() ? nullptr : &found->second;
}

// Nothing that anybody saw.
bool IsEmpty(const Stream& stream) { return !stream.recorded && stream.moved <= 0; }

// Its bytes were not kept, or not recorded.
bool IsUnknown(const Stream& stream) { return !stream.recorded && stream.moved > 0; }

// The other end's view of the same bytes.
StreamKey Opposite(const StreamKey& key) {
  return {.connection = key.connection,
          .side = key.side == "client" ? "server" : "client",
          .direction = key.direction == "read" ? "write" : "read"};
}

bool IsIn(const StreamsByTrial& trials, const StreamKey& key) {
  return std::any_of(trials.begin(), trials.end(),
                     [&](const auto& trial) { return trial.second.contains(key); });
}

// Where two streams differ.
struct WireDifference {
  size_t here = 0, there = 0;  // offsets
  std::string what;            // "byte 17", "message 1 header etag"
};

// The reference's stream, with what its own trials disagree on masked.
class Model {
 public:
  Model(WireRule rule, const std::vector<const Stream*>& trials, const WireVariation& varies = {})
      : rule_(rule), first_(*trials.front()), bytes_(WithoutDates(first_.bytes)) {
    if (rule_ == WireRule::kExact)
      known_ = bytes_.size();
    else
      fields_ = SplitStream(bytes_, rule_);
    for (const auto& [name, field] : fields_)
      if (rule_ == WireRule::kHttp && IsVolatileField(name)) masked_fields_.insert(name);
    masked_fields_.insert(varies.fields.begin(), varies.fields.end());
    masked_bytes_ = varies.bytes;
    masked_bytes_.resize(std::min(masked_bytes_.size(), bytes_.size()));
    for (size_t i = 1; i < trials.size(); ++i) Mask(*trials[i]);
    MaskWholeWords();
  }

  int64_t masked() const {
    const size_t bytes = std::count(masked_bytes_.begin(), masked_bytes_.end(), true);
    return static_cast<int64_t>(bytes + masked_fields_.size() + (open_ ? 1 : 0));
  }
  const Stream& stream() const { return first_; }
  bool masks_close() const { return masks_close_; }

  std::optional<WireDifference> Compare(const Stream& stream) const {
    const std::string bytes = WithoutDates(stream.bytes);
    return rule_ == WireRule::kExact ? CompareBytes(bytes) : CompareFields(bytes);
  }

 private:
  void Mask(const Stream& other) {
    masks_close_ |= other.close != first_.close;
    const std::string bytes = WithoutDates(other.bytes);
    if (rule_ == WireRule::kExact) return MaskBytes(bytes);
    const auto fields = SplitStream(bytes, rule_);
    for (const auto& [name, field] : fields_) {
      const auto same = fields.find(name);
      if (same == fields.end() || same->second.value != field.value) masked_fields_.insert(name);
    }
    for (const auto& [name, field] : fields)
      if (!fields_.contains(name)) masked_fields_.insert(name);
  }

  void MaskBytes(const std::string& other) {
    open_ |= other.size() != bytes_.size();
    known_ = std::min(known_, other.size());
    masked_bytes_.resize(bytes_.size());
    for (size_t i = 0; i < known_; ++i)
      if (other[i] != bytes_[i]) masked_bytes_[i] = true;
  }

  // A random id has some of its digits in common with the next one by chance.
  void MaskWholeWords() {
    const auto is_word = [&](size_t i) {
      return std::isalnum(static_cast<unsigned char>(bytes_[i])) != 0;
    };
    for (size_t i = 1; i < masked_bytes_.size(); ++i)
      if (masked_bytes_[i - 1] && is_word(i - 1) && is_word(i)) masked_bytes_[i] = true;
    for (size_t i = masked_bytes_.size(); i-- > 1;)
      if (masked_bytes_[i] && is_word(i) && is_word(i - 1)) masked_bytes_[i - 1] = true;
  }

  std::optional<WireDifference> CompareBytes(const std::string& bytes) const {
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

  std::optional<WireDifference> CompareFields(const std::string& bytes) const {
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

  // "message 000001 header etag" -> "message 1 header etag"
  static std::string NameInWords(const std::string& name) {
    const size_t space = name.find(' ');
    const size_t digit = std::min(name.find_first_not_of('0', space + 1), name.size());
    std::string rest = name.substr(digit);
    if (rest.ends_with(' ')) rest += "start line";
    if (const size_t body = rest.find(" ~body"); body != std::string::npos) rest.erase(body + 1, 1);
    return name.substr(0, space + 1) + rest;
  }

  WireRule rule_;
  const Stream& first_;
  const std::string bytes_;  // its
  size_t known_ = 0;         // kExact: bytes that all trials have
  bool open_ = false;        // kExact: what follows them differs
  std::vector<bool> masked_bytes_;
  std::map<std::string, WireField> fields_;
  std::set<std::string> masked_fields_;
  bool masks_close_ = false;
};

class Comparer {
 public:
  Comparer(WireRule rule, const StreamsByTrial& here, const WireReference& reference,
           const std::string& scenario)
      : rule_(rule), here_(here), reference_(reference), scenario_(scenario) {}

  WireComparison Run() {
    std::set<StreamKey> keys;
    for (const StreamsByTrial* side : {&here_, &reference_.trials})
      for (const auto& [trial, streams] : *side)
        for (const auto& [key, stream] : streams) keys.insert(key);
    for (const StreamKey& key : keys) CompareStream(key);
    if (comparison_.verdict == Verdict::kPass && comparison_.streams == 0 && !unknown_) {
      comparison_.verdict = Verdict::kUnknown;
      comparison_.reason = "wire: no bytes of connections were recorded";
    } else if (comparison_.verdict == Verdict::kPass && unknown_) {
      comparison_.verdict = Verdict::kUnknown;
      comparison_.reason = "wire: the bytes of " + unknown_->InWords() + " were not kept";
    }
    return std::move(comparison_);
  }

 private:
  // Whether the writer's own bytes stand for these.
  bool StandsInFor(const StreamKey& key) const {
    return key.direction == "read" &&
           (IsIn(here_, Opposite(key)) || IsIn(reference_.trials, Opposite(key)));
  }

  bool IsEmptyThroughout(const StreamKey& key) const {
    for (const StreamsByTrial* side : {&here_, &reference_.trials})
      for (const auto& [trial, streams] : *side)
        if (const Stream* stream = Find(streams, key); stream != nullptr && !IsEmpty(*stream))
          return false;
    return true;
  }

  void CompareStream(const StreamKey& key) {
    const bool closes_only = StandsInFor(key);
    std::vector<const Stream*> all;
    for (const auto& [trial, streams] : reference_.trials)
      if (const Stream* stream = Find(streams, key)) all.push_back(stream);
    if (!reference_.per_trial && !all.empty() && all.size() < reference_.trials.size()) {
      ++comparison_.masked;  // the reference itself does not always have it
      return;
    }
    if (IsEmptyThroughout(key)) return;
    // What was not kept of one trial would mask what all the others agree on.
    if (!reference_.per_trial && std::any_of(all.begin(), all.end(), [](const Stream* stream) {
          return IsUnknown(*stream);
        })) {
      unknown_ = key;
      return;
    }
    bool compared = false;
    WireVariation varies;
    if (reference_.per_trial && reference_.same_inputs) varies = VariationAmong(all);
    std::optional<Model> model;
    if (!all.empty() && !reference_.per_trial) model.emplace(rule_, all);
    for (const auto& [trial, streams] : here_) {
      if (reference_.per_trial) {
        const auto counterpart = reference_.trials.find(trial);
        if (counterpart == reference_.trials.end()) continue;
        const Stream* there = Find(counterpart->second, key);
        model.reset();
        if (there != nullptr) model.emplace(rule_, std::vector<const Stream*>{there}, varies);
      }
      CompareTrial(key, trial, Find(streams, key), model ? &*model : nullptr, closes_only);
      compared = true;
    }
    comparison_.streams += compared && !closes_only ? 1 : 0;
    if (model) comparison_.masked += model->masked();
  }

  WireVariation VariationAmong(const std::vector<const Stream*>& trials) const {
    std::vector<std::string> known;
    for (const Stream* stream : trials)
      if (!IsUnknown(*stream)) known.push_back(WithoutDates(stream->bytes));
    return VariationOf(rule_, known);
  }

  void CompareTrial(const StreamKey& key, int64_t trial, const Stream* stream, const Model* model,
                    bool closes_only) {
    if (stream == nullptr && model == nullptr) return;
    if (stream == nullptr || model == nullptr) {
      if (!closes_only) Add(key, trial, MissingMessage(key, stream != nullptr), Json::object());
      return;
    }
    const Stream& there = model->stream();
    if (IsUnknown(*stream) || IsUnknown(there)) {
      unknown_ = key;
      return;
    }
    const std::optional<WireDifference> difference =
        closes_only ? std::nullopt : model->Compare(*stream);
    if (difference) {
      Add(key, trial,
          key.InWords() + " differs from " + reference_.name + " in " + difference->what +
              ": here \"" +
              Printable(stream->bytes.substr(std::min(difference->here, stream->bytes.size()),
                                             kExcerpt)) +
              "\", there \"" +
              Printable(
                  there.bytes.substr(std::min(difference->there, there.bytes.size()), kExcerpt)) +
              "\"",
          Evidence(*stream, there, *difference));
    } else if (!model->masks_close() && !stream->close.empty() && !there.close.empty() &&
               stream->close != there.close) {
      Add(key, trial,
          key.InWords() + " ended with " + stream->close + " here, with " + there.close + " on " +
              reference_.name,
          {{"close_here", stream->close}, {"close_there", there.close}});
    }
  }

  std::string MissingMessage(const StreamKey& key, bool is_here) const {
    return key.InWords() + (is_here ? " is here, but never on " : " is missing, but was on ") +
           reference_.name;
  }

  static Json Evidence(const Stream& here, const Stream& there, const WireDifference& difference) {
    return {{"what", difference.what},
            {"offset_here", difference.here},
            {"offset_there", difference.there},
            {"here", Printable(Excerpt(here.bytes, difference.here))},
            {"there", Printable(Excerpt(there.bytes, difference.there))},
            {"hex_here",
             Hexadecimal(here.bytes.substr(std::min(difference.here, here.bytes.size()), 16))},
            {"hex_there",
             Hexadecimal(there.bytes.substr(std::min(difference.there, there.bytes.size()), 16))}};
  }

  // One difference a signature, for many connections may do the same; what does not fit is left out.
  void Add(const StreamKey& key, int64_t trial, std::string message, Json evidence) {
    const std::string subject =
        "\nwire " + key.side + " " + key.direction + " of " + WithoutNumbers(key.connection);
    const std::string signature = Signature("difference", scenario_ + subject, {});
    if (comparison_.verdict != Verdict::kFail) comparison_.reason = message;
    comparison_.verdict = Verdict::kFail;
    const auto [place, is_new] = places_.try_emplace(signature, comparison_.differences.size());
    if (is_new && place->second == kMostWireDifferences)
      places_.erase(place);
    else
      AddTo(place->second, key, trial, signature, std::move(message), std::move(evidence));
  }

  void AddTo(size_t place, const StreamKey& key, int64_t trial, const std::string& signature,
             std::string message, Json evidence) {
    if (place == comparison_.differences.size()) {
      evidence.update({{"key", "(wire)"},
                       {"connection", key.connection},
                       {"side", key.side},
                       {"direction", key.direction},
                       {"reference", reference_.name}});
      comparison_.differences.push_back({.finding = {.check = "equivalence",
                                                     .kind = "difference",
                                                     .message = std::move(message),
                                                     .signature = signature,
                                                     .participants = {},
                                                     .evidence = std::move(evidence)},
                                         .first_trial = trial});
    }
    Difference& difference = comparison_.differences[place];
    difference.first_trial = std::min(difference.first_trial, trial);
    difference.trials.Add(trial);
    difference.count = difference.trials.size();
  }

  WireRule rule_;
  const StreamsByTrial& here_;
  const WireReference& reference_;
  const std::string& scenario_;
  WireComparison comparison_;
  std::map<std::string, size_t> places_;  // in `differences`, by signature
  std::optional<StreamKey> unknown_;
};

}  // namespace

Json WireComparison::ToJson() const {
  return {{"verdict", VerdictName(verdict)},
          {"reason", reason},
          {"streams", streams},
          {"masked", masked},
          {"differences", differences.size()}};
}

WireComparison CompareWire(WireRule rule, const StreamsByTrial& here,
                           const WireReference& reference, const std::string& scenario) {
  if (!reference.per_trial && reference.trials.size() < 2) {
    WireComparison comparison;
    comparison.verdict = Verdict::kUnknown;
    comparison.reason =
        "wire: it takes two trials of the reference to know what differs from trial to trial by "
        "itself";
    return comparison;
  }
  return Comparer(rule, here, reference, scenario).Run();
}

}  // namespace trireme
