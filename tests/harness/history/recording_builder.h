#ifndef TRIREME_TESTS_HARNESS_HISTORY_RECORDING_BUILDER_H_
#define TRIREME_TESTS_HARNESS_HISTORY_RECORDING_BUILDER_H_

#include <cstring>
#include <string>

#include "harness/history/history.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

struct TestRecord {
  EventKind kind{};
  uint64_t time = 0;
  uint32_t thread = 0;
  uint32_t task = 0;
  uint64_t id = 0;
  std::string key;
  std::string value;  // recorded as text; "": none
};

inline std::string EncodeTestRecord(const TestRecord& test) {
  const size_t size =
      (sizeof(trireme_record) + test.key.size() + test.value.size() + 7) & ~size_t{7};
  const trireme_record record{
      .size = static_cast<uint32_t>(size),
      .kind = static_cast<uint16_t>(test.kind),
      .type = static_cast<uint16_t>(test.value.empty() ? TRIREME_NONE : TRIREME_TEXT),
      .time = test.time,
      .task = test.task,
      .thread = test.thread,
      .id = test.id,
      .key_size = static_cast<uint32_t>(test.key.size()),
      .value_size = static_cast<uint32_t>(test.value.size())};
  std::string out(reinterpret_cast<const char*>(&record), sizeof(record));
  out += test.key + test.value;
  out.resize(size);
  return out;
}

// The bytes of a recording that nobody sealed, written without the recorder.
class RecordingBuilder {
 public:
  static constexpr uint32_t kChunkSize = 4096;

  explicit RecordingBuilder(uint64_t begin_time = 0) {
    trireme_header header{};
    std::memcpy(header.magic, TRIREME_HISTORY_MAGIC, sizeof(header.magic));
    header.version = TRIREME_HISTORY_VERSION;
    header.chunk_size = kChunkSize;
    header.recording = 1;
    header.begin_time = begin_time;
    header.max_chunks = 1000;
    bytes_.resize(TRIREME_HEADER_SIZE);
    std::memcpy(bytes_.data(), &header, sizeof(header));
  }

  // A chunk of the least size that holds `records`.
  RecordingBuilder& Chunk(uint32_t process, const std::string& records) {
    trireme_chunk chunk{.magic = TRIREME_CHUNK_MAGIC, .process = process, .used = records.size()};
    chunk.capacity = (sizeof(chunk) + records.size() + kChunkSize - 1) / kChunkSize * kChunkSize;
    const size_t start = bytes_.size();
    Claim(chunk.capacity);
    std::memcpy(bytes_.data() + start, &chunk, sizeof(chunk));
    std::memcpy(bytes_.data() + start + sizeof(chunk), records.data(), records.size());
    return *this;
  }

  // One that a process reserved and never used.
  RecordingBuilder& Hole() {
    Claim(kChunkSize);
    return *this;
  }

  // Of chunk `index`, counted in chunk sizes.
  trireme_chunk& ChunkAt(size_t index) {
    return *reinterpret_cast<trireme_chunk*>(bytes_.data() + TRIREME_HEADER_SIZE +
                                             index * kChunkSize);
  }

  trireme_header& header() { return *reinterpret_cast<trireme_header*>(bytes_.data()); }
  std::string& bytes() { return bytes_; }

 private:
  void Claim(size_t size) {
    bytes_.resize(bytes_.size() + size);
    header().next_chunk += size / kChunkSize;
  }

  std::string bytes_;
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_HISTORY_RECORDING_BUILDER_H_
