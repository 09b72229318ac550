#include "harness/history/packing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <utility>

#include "harness/base/rng.h"

namespace trireme {
namespace {

// Of what is read into memory; recordings end at RecordingOptions::max_bytes.
constexpr uint64_t kMaxSize = uint64_t{4} << 30;

void PutChunkHeader(uint32_t process, uint64_t used, uint64_t newest, char* place) {
  const trireme_chunk chunk{.magic = TRIREME_CHUNK_MAGIC,
                            .process = process,
                            .capacity = sizeof(chunk) + used,
                            .used = used,
                            .newest = newest};
  std::memcpy(place, &chunk, sizeof(chunk));
}

// Copies the chunks of a recording that can be read, one after another.
class Packer {
 public:
  Packer(const Source& source, uint64_t chunk_size) : source_(source), chunk_size_(chunk_size) {}

  void CopyAll() {
    while (offset_ < source_.Size()) offset_ += CopyChunk();
  }
  std::vector<char>& out() { return out_; }
  std::string DamageText() const { return damage_.Text(); }

 private:
  // How far the next chunk is. A chunk that lies about its size may still hold records, but no more
  // than the least chunk has room for.
  uint64_t CopyChunk() {
    trireme_chunk chunk{};
    const uint64_t left = source_.Size() - offset_;
    if (left < sizeof(chunk) ||
        !source_.ReadAt(offset_, reinterpret_cast<char*>(&chunk), sizeof(chunk))) {
      damage_.Add(offset_, "the file ends inside a chunk");
      return left;
    }
    if (chunk.magic == 0)
      return chunk_size_;  // reserved by a process that was ended before it could use it
    if (chunk.magic != TRIREME_CHUNK_MAGIC) {
      damage_.Add(offset_, "no chunk begins here");
      return chunk_size_;
    }
    const bool plausible = chunk.capacity != 0 && chunk.capacity % chunk_size_ == 0;
    if (!plausible) damage_.Add(offset_, "impossible size of a chunk");
    if (!plausible) chunk.capacity = chunk_size_;
    if (chunk.capacity > left) damage_.Add(offset_, "the file ends inside a chunk");
    chunk.capacity = std::min(chunk.capacity, left);
    CopyRecords(chunk);
    return chunk.capacity;
  }

  void CopyRecords(const trireme_chunk& chunk) {
    const uint64_t room = chunk.capacity - sizeof(chunk);
    if (chunk.used > room) damage_.Add(offset_, "a chunk holds more than its size");
    const size_t used = std::min(chunk.used, room);
    const size_t start = out_.size();
    out_.resize(start + sizeof(chunk) + used);
    char* records = out_.data() + start + sizeof(chunk);
    if (!source_.ReadAt(offset_ + sizeof(chunk), records, used))
      damage_.Add(offset_, "cannot be read");
    const size_t whole = WholeRecords({records, used});
    if (whole < used) damage_.Add(offset_ + sizeof(chunk) + whole, "no record begins here");
    out_.resize(whole == 0 ? start : start + sizeof(chunk) + whole);
    if (whole == 0) return;
    PutChunkHeader(chunk.process, whole, chunk.newest, out_.data() + start);
    if (IsCopy(start)) out_.resize(start);
  }

  // True when the chunk at `start` holds the same records as one before it: a recorder was ended
  // between copying them out of its chunk and emptying that (Recording::Spill). A thread's times
  // increase, so the first record tells which.
  bool IsCopy(size_t start) {
    trireme_record first;
    std::memcpy(&first, out_.data() + start + sizeof(trireme_chunk), sizeof(first));
    const auto [place, is_new] = starts_.try_emplace({first.time, first.thread}, start);
    const size_t size = out_.size() - start;
    return !is_new && start - place->second >= size &&
           std::memcmp(out_.data() + place->second, out_.data() + start, size) == 0;
  }

  const Source& source_;
  std::map<std::pair<uint64_t, uint32_t>, size_t>
      starts_;  // of packed chunks, by their first record
  uint64_t chunk_size_;
  uint64_t offset_ = TRIREME_HEADER_SIZE;
  std::vector<char> out_ = std::vector<char>(TRIREME_HEADER_SIZE);
  Damage damage_;
};

}  // namespace

bool MemorySource::ReadAt(uint64_t offset, char* place, size_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) return false;
  if (size != 0) std::memcpy(place, bytes_.data() + offset, size);
  return true;
}

FileSource::FileSource(int fd) : fd_(fd) {
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
    size_ = static_cast<uint64_t>(status.st_size);
}

bool FileSource::ReadAt(uint64_t offset, char* place, size_t size) const {
  while (size > 0) {
    const ssize_t count = ::pread(fd_, place, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    place += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<size_t>(count);
  }
  return true;
}

void Damage::Add(uint64_t offset, std::string_view what) {
  if (count_++ == 0) first_ = "byte " + std::to_string(offset) + ": " + std::string(what);
}

std::string Damage::Text() const {
  if (count_ <= 1) return first_;
  return first_ + ", and " + std::to_string(count_ - 1) + " more";
}

Result<trireme_header> ReadHeader(const Source& source) {
  trireme_header header;
  char page[TRIREME_HEADER_SIZE];
  if (!source.ReadAt(0, page, sizeof(page)) ||
      std::memcmp(page, TRIREME_HISTORY_MAGIC, sizeof(header.magic)) != 0) {
    return UsageError("not a Trireme history");
  }
  std::memcpy(&header, page, sizeof(header));
  if (source.Size() > kMaxSize) return UsageError("history of more than 4 GiB");
  if (header.version != TRIREME_HISTORY_VERSION) {
    return UsageError("history of version " + std::to_string(header.version) +
                      ", this Trireme reads version " + std::to_string(TRIREME_HISTORY_VERSION));
  }
  if (header.sealed == 0 &&
      (header.chunk_size == 0 || header.chunk_size % TRIREME_HEADER_SIZE != 0)) {
    return UsageError("not a Trireme history: impossible size of its chunks");
  }
  header.damage_size = std::min<uint32_t>(header.damage_size, sizeof(header.damage));
  return header;
}

size_t WholeRecords(std::string_view records) {
  size_t offset = 0;
  while (records.size() - offset >= sizeof(trireme_record)) {
    trireme_record record;
    std::memcpy(&record, records.data() + offset, sizeof(record));
    const uint64_t contents = uint64_t{record.key_size} + record.value_size;
    if (record.kind == 0 || record.size != ((sizeof(record) + contents + 7) & ~uint64_t{7}) ||
        record.size > records.size() - offset) {
      break;
    }
    offset += record.size;
  }
  return offset;
}

std::vector<char> PackRecording(const Source& source, trireme_header header) {
  Packer packer(source, header.chunk_size);
  packer.CopyAll();
  const std::string damage = packer.DamageText();
  header.damage_size = static_cast<uint32_t>(std::min(damage.size(), sizeof(header.damage)));
  std::memcpy(header.damage, damage.data(), header.damage_size);
  header.sealed = 1;
  header.checksum = 0;
  header.recording = 0;
  std::memcpy(packer.out().data(), &header, sizeof(header));
  return std::move(packer.out());
}

void AppendChunk(uint32_t process, std::string_view records, uint64_t newest,
                 std::vector<char>* out) {
  const size_t start = out->size();
  out->resize(start + sizeof(trireme_chunk) + records.size());
  PutChunkHeader(process, records.size(), newest, out->data() + start);
  std::memcpy(out->data() + start + sizeof(trireme_chunk), records.data(), records.size());
}

namespace {

constexpr size_t kChecksum = offsetof(trireme_header, checksum);

// Replaces the checksum in a history, and returns the one that was there. REQUIRES: it has a header.
uint64_t ExchangeChecksum(std::vector<char>* bytes, uint64_t checksum) {
  uint64_t before = 0;
  std::memcpy(&before, bytes->data() + kChecksum, sizeof(before));
  std::memcpy(bytes->data() + kChecksum, &checksum, sizeof(checksum));
  return before;
}

}  // namespace

void AddChecksum(std::vector<char>* bytes) {
  ExchangeChecksum(bytes, 0);
  ExchangeChecksum(bytes, Checksum64({bytes->data(), bytes->size()}));
}

bool MatchesChecksum(std::vector<char>* bytes) {
  const uint64_t checksum = ExchangeChecksum(bytes, 0);
  const bool matches = checksum == 0 || checksum == Checksum64({bytes->data(), bytes->size()});
  ExchangeChecksum(bytes, checksum);
  return matches;
}

}  // namespace trireme
