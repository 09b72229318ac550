#ifndef TRIREME_HARNESS_HISTORY_PACKING_H_
#define TRIREME_HARNESS_HISTORY_PACKING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// Bytes that can be read from any place: a file, which may still be written, or memory.
class Source {
 public:
  virtual ~Source() = default;
  virtual uint64_t Size() const = 0;
  // False when not all of [offset, offset + size) could be read.
  virtual bool ReadAt(uint64_t offset, char* place, size_t size) const = 0;
};

class MemorySource final : public Source {
 public:
  // `bytes` must outlive this.
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  uint64_t Size() const override { return bytes_.size(); }
  bool ReadAt(uint64_t offset, char* place, size_t size) const override;

 private:
  std::string_view bytes_;
};

// Borrows a descriptor.
class FileSource final : public Source {
 public:
  explicit FileSource(int fd);
  uint64_t Size() const override { return size_; }
  bool ReadAt(uint64_t offset, char* place, size_t size) const override;

 private:
  int fd_;
  uint64_t size_ = 0;
};

// What could not be read: the first place in words, and how many more there were.
class Damage {
 public:
  void Add(uint64_t offset, std::string_view what);
  // "" when there is none.
  std::string Text() const;

 private:
  std::string first_;
  uint64_t count_ = 0;
};

// A header that this version can read, sealed or not.
Result<trireme_header> ReadHeader(const Source& source);

// How many bytes at the start of `records` are whole records.
size_t WholeRecords(std::string_view records);

// A recording in the layout of a sealed history, without what cannot be read of it. REQUIRES:
// `header` is not sealed.
std::vector<char> PackRecording(const Source& source, trireme_header header);

// Adds a chunk to a sealed history.
void AppendChunk(uint32_t process, std::string_view records, uint64_t newest,
                 std::vector<char>* out);

// For a sealed history that is complete.
void AddChecksum(std::vector<char>* bytes);

// Whether a sealed history is as it was written, as far as it can tell: older ones have no checksum. Leaves it as it is.
bool MatchesChecksum(std::vector<char>* bytes);

}  // namespace trireme

#endif  // TRIREME_HARNESS_HISTORY_PACKING_H_
