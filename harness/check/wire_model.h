#ifndef TRIREME_HARNESS_CHECK_WIRE_MODEL_H_
#define TRIREME_HARNESS_CHECK_WIRE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/check/streams.h"
#include "harness/check/wire_fields.h"
#include "harness/check/wire_variation.h"

namespace trireme {

// Where two streams differ.
struct WireDifference {
  size_t here = 0, there = 0;  // offsets
  std::string what;            // "byte 17", "message 1 header etag"
};

// What is masked beside what the trials of a model disagree on.
struct WireMasks {
  WireVariation varies;
  bool ports = false;
};

// The reference's stream, with what its own trials disagree on masked.
class WireModel {
 public:
  // REQUIRES: at least one trial; the first must outlive this.
  WireModel(WireRule rule, const std::vector<const Stream*>& trials, WireMasks masks = {});

  // Bytes and fields.
  int64_t masked() const;
  const Stream& stream() const { return first_; }
  bool masks_close() const { return masks_close_; }
  std::optional<WireDifference> Compare(const Stream& stream) const;

 private:
  std::string Comparable(const std::string& bytes) const;
  void Mask(const Stream& other);
  void MaskBytes(const std::string& other);
  void MaskWholeWords();
  std::optional<WireDifference> CompareBytes(const std::string& bytes) const;
  std::optional<WireDifference> CompareFields(const std::string& bytes) const;

  WireRule rule_;
  const WireMasks masks_;
  const Stream& first_;
  const std::string bytes_;  // its
  size_t known_ = 0;         // kExact: bytes that all trials have
  bool open_ = false;        // kExact: what follows them differs
  std::vector<bool> masked_bytes_;
  std::map<std::string, WireField> fields_;
  std::set<std::string> masked_fields_;
  bool masks_close_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WIRE_MODEL_H_
