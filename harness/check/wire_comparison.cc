#include "harness/check/wire_comparison.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/sync_events.h"
#include "harness/check/wire_model.h"

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
    } else if (comparison_.verdict == Verdict::kPass && doubtful_) {
      comparison_.verdict = Verdict::kUnknown;
      comparison_.reason = "wire: " + *doubtful_;
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
    WireMasks masks = {.varies = {}, .ports = reference_.per_trial && !reference_.same_inputs};
    WireMasks certain = masks;
    if (reference_.per_trial && reference_.same_inputs) {
      masks.varies = VariationAmong(all, Variation::kLikely);
      certain.varies = VariationAmong(all, Variation::kCertain);
    }
    std::optional<WireModel> model;
    if (!all.empty() && !reference_.per_trial) model.emplace(rule_, all);
    for (const auto& [trial, streams] : here_) {
      if (reference_.per_trial) {
        const auto counterpart = reference_.trials.find(trial);
        if (counterpart == reference_.trials.end()) continue;
        const Stream* there = Find(counterpart->second, key);
        model.reset();
        if (there != nullptr) model.emplace(rule_, std::vector<const Stream*>{there}, masks);
      }
      const Stream* here = Find(streams, key);
      const bool same = CompareTrial(key, trial, here, model ? &*model : nullptr, closes_only);
      if (same && reference_.per_trial && !closes_only && !doubtful_)
        Doubt(key, *here, model->stream(), certain);
      compared = true;
    }
    comparison_.streams += compared && !closes_only ? 1 : 0;
    if (model) comparison_.masked += model->masked();
  }

  // Where they are the same only for what may vary by itself, and may have been made by faults as well.
  void Doubt(const StreamKey& key, const Stream& here, const Stream& there,
             const WireMasks& certain) {
    const WireModel model(rule_, {&there}, certain);
    if (const std::optional<WireDifference> difference = model.Compare(here))
      doubtful_ = key.InWords() + " differs from " + reference_.name + " in " + difference->what +
                  ", which its own trials do not agree on: whether by the faults or by itself is "
                  "not known of so few; run more of them";
  }

  WireVariation VariationAmong(const std::vector<const Stream*>& trials,
                               Variation variation) const {
    std::vector<std::string> known;
    for (const Stream* stream : trials)
      if (!IsUnknown(*stream)) known.push_back(WithoutDates(stream->bytes));
    return VariationOf(rule_, known, variation);
  }

  // Whether both have it, and its bytes are the same.
  bool CompareTrial(const StreamKey& key, int64_t trial, const Stream* stream,
                    const WireModel* model, bool closes_only) {
    if (stream == nullptr && model == nullptr) return false;
    if (stream == nullptr || model == nullptr) {
      if (!closes_only) Add(key, trial, MissingMessage(key, stream != nullptr), Json::object());
      return false;
    }
    const Stream& there = model->stream();
    if (IsUnknown(*stream) || IsUnknown(there)) {
      unknown_ = key;
      return false;
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
    return !difference;
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
  std::optional<std::string> doubtful_;  // what was masked
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
