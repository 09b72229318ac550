#ifndef TRIREME_HARNESS_PROBE_RECORDING_H_
#define TRIREME_HARNESS_PROBE_RECORDING_H_

#include <stddef.h>
#include <stdint.h>

#include "harness/probe/probe_abi.h"

namespace trireme {

// Room for records in one chunk of a recording, owned by one thread at a time.
struct Space {
  trireme_chunk* chunk = nullptr;  // nullptr: none
  uint64_t used = 0;               // bytes of records, as chunk->used
  uint64_t capacity = 0;           // bytes of records that fit

  char* end() const { return reinterpret_cast<char*>(chunk + 1) + used; }
  uint64_t left() const { return capacity - used; }
};

// The file that this process records to, mapped; no descriptor of it stays open.
//
// Lives in pages of its own and is never freed: a thread may be inside it when another attaches a
// second file, and a process attaches once or twice in its life. Thread safety: any threads, signal
// handlers and forked children; nothing here can wait for ever.
class Recording {
 public:
  // nullptr and an errno when `path` is no recording that this library can write.
  static Recording* Open(const char* path, int* error);

  trireme_header* header() const { return header_; }
  bool enabled() const { return header_->recording != 0; }

  // A chunk of at least one record of `size` bytes and, where the limit allows, of `units` chunk
  // sizes, backed by disk blocks. No chunk and an errno when there is none to be had.
  Space Claim(uint32_t process, uint64_t size, uint64_t units, int* error);

  // Copies the records of a full chunk to a place of their own in the file, with write(2). The
  // chunk is empty for the recorder, and for readers once its `used` is 0, which the caller stores.
  // False and an errno when there is no room.
  //
  // A page of the file costs several times more to dirty through a mapping than to write, so a
  // thread that records much keeps one warm chunk instead of mapping ever new ones. It is a copy,
  // never a move: whoever is killed before `used` is 0 leaves the records twice, which readers know
  // by their times.
  bool Spill(const Space& space, int* error);

  // What a thread that ended left of its chunk, for the next thread of this process.
  Space TakeReturned(uint64_t size);
  void Return(const Space& space);
  void Unmap(const Space& space) const;
  // After fork: what was returned belongs to the parent.
  void ForgetReturned();

  void CountLost(uint64_t events, int error);
  // Makes the file that user's. Nothing where this process may not do so, or has another file under the name.
  void GiveTo(uint32_t user) const;
  // Makes the file as large as it may become, without giving it any more space: for processes that will be allowed to write
  // no file as large. They can still have space reserved for what is inside of the file, and map it.
  void GrowAhead() const;

 private:
  static constexpr int kMaxReturned = 64;

  int OpenWindow();
  int MapWindow(int fd);
  int OpenFile() const;
  Space ClaimExactly(uint32_t process, uint64_t units, int* error);
  struct Request;
  // Runs `action` on the file, in another process where this one has no descriptor left or may write
  // no file as large. 0, or an errno.
  int WithFile(int (*action)(Request*, int fd), Request& request) const;
  static int MapFile(Request* request, int fd);
  // What WriteChunk does, by a mapping.
  static int CopyChunk(Request* request, int fd);
  static int WriteChunk(Request* request, int fd);
  trireme_chunk* Map(uint64_t index, uint64_t size, int* error) const;
  bool InWindow(const trireme_chunk* chunk) const;
  bool TryLock();
  void Unlock();

  trireme_header* header_;  // with the chunks behind it that the maker backed: the window
  uint64_t window_size_;
  uint64_t device_;
  uint64_t inode_;
  uint32_t locked_;
  int returned_count_;
  Space returned_[kMaxReturned];
  char path_[4096];
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_RECORDING_H_
