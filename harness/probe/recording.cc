#include "harness/probe/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "harness/probe/aside.h"
#include "harness/probe/own_memory.h"

namespace trireme {
namespace {

uint64_t PageSize() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

// System calls are made by number: the library's wrappers are cancellation points, and some are
// newer than the oldest C library that this file must load under.
int CloseFile(int fd) { return static_cast<int>(syscall(SYS_close, fd)); }

bool IsRecording(const trireme_header& header) {
  return memcmp(header.magic, TRIREME_HISTORY_MAGIC, sizeof(header.magic)) == 0 &&
         header.version == TRIREME_HISTORY_VERSION && header.sealed == 0 &&
         header.chunk_size >= TRIREME_HEADER_SIZE && header.chunk_size % TRIREME_HEADER_SIZE == 0 &&
         header.allocated <= header.max_chunks &&
         header.max_chunks <= (uint64_t{1} << 47) / header.chunk_size &&
         header.plan_size <= sizeof(header.plan);
}

uint64_t ChunkOffset(uint64_t index, uint64_t chunk_size) {
  return TRIREME_HEADER_SIZE + index * chunk_size;
}

// Past the limit the kernel would send SIGXFSZ, which ends a program that did nothing wrong. It forbids to
// write there, be the file as large already or not, and to make the file larger; not to store through a
// mapping, nor to have space reserved for what the file is large enough for.
bool WithinFileSizeLimit(uint64_t end) {
  struct rlimit limit;
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         end <= limit.rlim_cur;
}

// REQUIRES: this is a process of our own, beside the program, whose own limit stays as it is. Root may lift what it was
// given, too. Memory that is mapped so counts in what the program may map later.
void LiftLimit(int resource) {
  const auto set = [&](const struct rlimit& limit) {  // not by the library's function, which is watched
    return syscall(SYS_prlimit64, 0, resource, &limit, nullptr);
  };
  struct rlimit limit;
  if (set({RLIM_INFINITY, RLIM_INFINITY}) == 0 || getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  set(limit);
}

// nullptr, and why, where there are none to be had.
void* MapOwnPages(size_t size, int* error) {
  struct Pages {
    size_t size;
    void* memory;
    int error;

    void Run() {
      memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      error = memory == MAP_FAILED ? errno : 0;
    }
  };
  Pages pages = {size, nullptr, 0};
  const auto map_without_limit = [](void* pointer) {
    LiftLimit(RLIMIT_AS);
    static_cast<Pages*>(pointer)->Run();
  };
  pages.Run();
  if (pages.error == ENOMEM) RunAside(map_without_limit, &pages);
  *error = pages.error;
  return pages.error != 0 ? nullptr : pages.memory;
}

int WriteAll(int fd, const void* data, uint64_t size, uint64_t offset) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const long written = syscall(SYS_pwrite64, fd, bytes, size, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? ENOSPC : errno;
    bytes += written;
    offset += static_cast<uint64_t>(written);
    size -= static_cast<uint64_t>(written);
  }
  return 0;
}

bool IsLargeEnough(int fd, uint64_t size) {
  struct stat status;
  return syscall(SYS_fstat, fd, &status) == 0 && static_cast<uint64_t>(status.st_size) >= size;
}

// Where this process may not write: see Recording::GrowAhead.
int ReserveInFile(int fd, uint64_t offset, uint64_t size) {
  if (!IsLargeEnough(fd, offset + size)) return EFBIG;
  do {
    if (syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, offset, size) == 0) return 0;
  } while (errno == EINTR);
  return errno == EOPNOTSUPP ? EFBIG : errno;
}

// Backs a range of the file, so that a full disk is an error here and no SIGBUS later: written
// zeros have their space reserved, as fallocate's have, but their pages are ready, and a file
// system that allocates late has nothing to free when the recording is removed a moment later
// (ext4: 15 us against 1 to 4 ms). REQUIRES: nobody else writes there.
int Back(int fd, uint64_t offset, uint64_t size) {
  static const char kZeros[64 * 1024] = {};
  const uint64_t end = offset + size;
  if (!WithinFileSizeLimit(end)) return ReserveInFile(fd, offset, size);
  int error = 0;
  for (; offset < end && error == 0; offset += sizeof(kZeros)) {
    error =
        WriteAll(fd, kZeros, end - offset < sizeof(kZeros) ? end - offset : sizeof(kZeros), offset);
  }
  return error;
}

// What was written of a range before the disk was full may be what a smaller one needs.
void GiveBack(int fd, uint64_t offset, uint64_t size) {
  syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

// The next free index, or false when `units` chunks do not fit below the limit.
bool ReserveIndex(trireme_header* header, uint64_t units, uint64_t* index) {
  uint64_t next = __atomic_load_n(&header->next_chunk, __ATOMIC_RELAXED);
  do {
    if (units > header->max_chunks || next > header->max_chunks - units) return false;
  } while (!__atomic_compare_exchange_n(&header->next_chunk, &next, next + units, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  *index = next;
  return true;
}

}  // namespace

Recording* Recording::Open(const char* path, int* error) {
  const size_t length = strlen(path);
  if (length >= sizeof(Recording::path_)) {
    *error = ENAMETOOLONG;
    return nullptr;
  }
  void* memory = MapOwnPages(sizeof(Recording), error);
  if (memory == nullptr) return nullptr;
  auto* recording = new (memory) Recording();
  memcpy(recording->path_, path, length + 1);
  *error = recording->OpenWindow();
  if (*error == 0) {
    KeepMemory(memory, sizeof(Recording));
    return recording;
  }
  munmap(memory, sizeof(Recording));
  return nullptr;
}

// In another process where this one has no descriptor left, or may map nothing more. 0, or an errno.
int Recording::OpenWindow() {
  struct Opening {
    Recording* recording;
    int error;

    void Run() {
      const int fd = static_cast<int>(
          syscall(SYS_openat, AT_FDCWD, recording->path_, O_RDWR | O_CLOEXEC));
      error = fd < 0 ? errno : recording->MapWindow(fd);
      if (fd >= 0) CloseFile(fd);
    }
  };
  Opening opening = {this, 0};
  const auto open = [](void* pointer) { static_cast<Opening*>(pointer)->Run(); };
  const auto open_without_limit = [](void* pointer) {
    LiftLimit(RLIMIT_AS);
    static_cast<Opening*>(pointer)->Run();
  };
  opening.Run();
  if (opening.error == EMFILE) RunAside(open, &opening);
  if (opening.error == ENOMEM) RunAside(open_without_limit, &opening);
  return opening.error;
}

// Maps the header and the chunks that the maker backed: those need no descriptor later.
int Recording::MapWindow(int fd) {
  trireme_header header;
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) != 0) return errno;
  if (syscall(SYS_pread64, fd, &header, sizeof(header), 0) != static_cast<long>(sizeof(header)))
    return EINVAL;
  if (!IsRecording(header)) return EINVAL;
  window_size_ = ChunkOffset(header.allocated, header.chunk_size);
  if (static_cast<uint64_t>(status.st_size) < window_size_) return EINVAL;
  void* window = mmap(nullptr, window_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (window == MAP_FAILED) return errno;
  KeepMemory(window, window_size_);
  header_ = static_cast<trireme_header*>(window);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return 0;
}

// The same file again, or -1: a trial that is over may have left another file under the name.
int Recording::OpenFile() const {
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path_, O_RDWR | O_CLOEXEC));
  if (fd < 0) return -1;
  struct stat status;
  if (syscall(SYS_fstat, fd, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    return fd;
  CloseFile(fd);
  errno = ESTALE;
  return -1;
}

bool Recording::InWindow(const trireme_chunk* chunk) const {
  const auto* start = reinterpret_cast<const char*>(header_);
  const auto* place = reinterpret_cast<const char*>(chunk);
  return place >= start && place < start + window_size_;
}

struct Recording::Request {
  const Recording* recording = nullptr;
  uint64_t offset = 0;
  uint64_t size = 0;
  char* place = nullptr;  // in or out
  uint32_t user = 0;
  int (*action)(Request*, int fd) = nullptr;
  int error = 0;

  void Run() {
    const int fd = recording->OpenFile();
    error = fd < 0 ? errno : action(this, fd);
    if (fd >= 0 && error != 0) GiveBack(fd, offset, size);
    if (fd >= 0) CloseFile(fd);
  }
};

int Recording::WithFile(int (*action)(Request*, int fd), Request& request) const {
  request.recording = this;
  request.action = action;
  const auto run = [](void* pointer) { static_cast<Request*>(pointer)->Run(); };
  const auto run_without_limits = [](void* pointer) {
    LiftLimit(RLIMIT_FSIZE);
    LiftLimit(RLIMIT_AS);
    static_cast<Request*>(pointer)->Run();
  };
  request.Run();
  if (request.error == EMFILE) RunAside(run, &request);
  if (request.error == EFBIG || request.error == ENOMEM) RunAside(run_without_limits, &request);
  return request.error;
}

int Recording::MapFile(Request* request, int fd) {
  const uint64_t skip = request->offset % PageSize();
  if (const int error = Back(fd, request->offset, request->size); error != 0) return error;
  void* place = mmap(nullptr, request->size + skip, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                     static_cast<off_t>(request->offset - skip));
  if (place == MAP_FAILED) return errno;
  KeepMemory(place, request->size + skip);
  request->place = static_cast<char*>(place) + skip;
  return 0;
}

int Recording::CopyChunk(Request* request, int fd) {
  const auto* from = reinterpret_cast<const trireme_chunk*>(request->place);
  if (const int error = MapFile(request, fd); error != 0) return error;
  auto* chunk = reinterpret_cast<trireme_chunk*>(request->place);
  const Space space = {
      .chunk = chunk, .used = from->used, .capacity = request->size - sizeof(trireme_chunk)};
  chunk->process = from->process;
  chunk->capacity = request->size;
  chunk->newest = from->newest;
  memcpy(chunk + 1, from + 1, from->used);
  chunk->used = from->used;
  __atomic_store_n(&chunk->magic, TRIREME_CHUNK_MAGIC, __ATOMIC_RELEASE);
  request->recording->Unmap(space);
  return 0;
}

// First the end, so that the file never ends inside a chunk; then the header without records, so
// that the chunk's size is known; and last the header with them, when they are there.
int Recording::WriteChunk(Request* request, int fd) {
  const auto* from = reinterpret_cast<const trireme_chunk*>(request->place);
  const uint64_t end = request->offset + request->size;
  if (!WithinFileSizeLimit(end)) return CopyChunk(request, fd);
  trireme_chunk chunk = *from;
  chunk.capacity = request->size;
  chunk.used = 0;
  int error = WriteAll(fd, "", 1, end - 1);
  if (error == 0) error = WriteAll(fd, &chunk, sizeof(chunk), request->offset);
  if (error == 0) error = WriteAll(fd, from + 1, from->used, request->offset + sizeof(chunk));
  chunk.used = from->used;
  return error != 0 ? error : WriteAll(fd, &chunk, sizeof(chunk), request->offset);
}

void Recording::GiveTo(uint32_t user) const {
  const auto give = [](Request* request, int fd) {
    syscall(SYS_fchown, fd, request->user, static_cast<gid_t>(-1));
    return 0;
  };
  Request request{.user = user};
  WithFile(give, request);
}

void Recording::GrowAhead() const {
  const auto grow = [](Request* request, int fd) {
    if (IsLargeEnough(fd, request->offset)) return 0;
    if (!WithinFileSizeLimit(request->offset)) return EFBIG;
    return syscall(SYS_ftruncate, fd, request->offset) == 0 ? 0 : errno;
  };
  Request request{.offset = ChunkOffset(header_->max_chunks, header_->chunk_size)};
  WithFile(grow, request);
}

trireme_chunk* Recording::Map(uint64_t index, uint64_t size, int* error) const {
  const uint64_t offset = ChunkOffset(index, header_->chunk_size);
  if (offset + size <= window_size_) {
    return reinterpret_cast<trireme_chunk*>(reinterpret_cast<char*>(header_) + offset);
  }
  Request request{.offset = offset, .size = size};
  *error = WithFile(MapFile, request);
  return *error != 0 ? nullptr : reinterpret_cast<trireme_chunk*>(request.place);
}

bool Recording::Spill(const Space& space, int* error) {
  const uint64_t chunk_size = header_->chunk_size;
  const uint64_t units = (sizeof(trireme_chunk) + space.used + chunk_size - 1) / chunk_size;
  uint64_t index = 0;
  *error = EFBIG;
  if (!ReserveIndex(header_, units, &index)) return false;
  Request request{.offset = ChunkOffset(index, chunk_size),
                  .size = units * chunk_size,
                  .place = reinterpret_cast<char*>(space.chunk)};
  *error = WithFile(WriteChunk, request);
  return *error == 0;
}

Space Recording::Claim(uint32_t process, uint64_t size, uint64_t units, int* error) {
  const uint64_t chunk_size = header_->chunk_size;
  const uint64_t least = (sizeof(trireme_chunk) + size + chunk_size - 1) / chunk_size;
  Space space;
  if (units > least) space = ClaimExactly(process, units, error);
  if (space.chunk == nullptr) space = ClaimExactly(process, least, error);
  return space;
}

Space Recording::ClaimExactly(uint32_t process, uint64_t units, int* error) {
  uint64_t index = 0;
  *error = EFBIG;
  if (!ReserveIndex(header_, units, &index)) return {};
  const uint64_t capacity = units * header_->chunk_size;
  trireme_chunk* chunk = Map(index, capacity, error);
  if (chunk == nullptr) return {};
  chunk->process = process;
  chunk->capacity = capacity;
  chunk->used = 0;
  chunk->newest = 0;
  __atomic_store_n(&chunk->magic, TRIREME_CHUNK_MAGIC, __ATOMIC_RELEASE);
  return {.chunk = chunk, .used = 0, .capacity = capacity - sizeof(trireme_chunk)};
}

void Recording::Unmap(const Space& space) const {
  if (space.chunk == nullptr || InWindow(space.chunk)) return;
  auto* place = reinterpret_cast<char*>(space.chunk);
  const uint64_t skip = reinterpret_cast<uintptr_t>(place) % PageSize();
  ReleaseMemory(place - skip);
  munmap(place - skip, space.capacity + sizeof(trireme_chunk) + skip);
}

// A holder may be a thread that a signal handler, asking now, interrupted: so nobody waits long,
// and who gets no lock does without, at the cost of a chunk that stays partly empty.
bool Recording::TryLock() {
  for (int i = 0; i < 100; ++i) {
    if (__atomic_exchange_n(&locked_, 1u, __ATOMIC_ACQUIRE) == 0) return true;
    sched_yield();
  }
  return false;
}

void Recording::Unlock() { __atomic_store_n(&locked_, 0u, __ATOMIC_RELEASE); }

Space Recording::TakeReturned(uint64_t size) {
  if (__atomic_load_n(&returned_count_, __ATOMIC_RELAXED) == 0 || !TryLock()) return {};
  Space found;
  for (int i = returned_count_ - 1; i >= 0 && found.chunk == nullptr; --i) {
    if (returned_[i].left() < size) continue;
    found = returned_[i];
    returned_[i] = returned_[returned_count_ - 1];
    __atomic_store_n(&returned_count_, returned_count_ - 1, __ATOMIC_RELAXED);
  }
  Unlock();
  return found;
}

void Recording::Return(const Space& space) {
  constexpr uint64_t kWorthKeeping = 512;
  bool kept = false;
  if (space.left() >= kWorthKeeping && TryLock()) {
    if (returned_count_ < kMaxReturned) {
      returned_[returned_count_] = space;
      __atomic_store_n(&returned_count_, returned_count_ + 1, __ATOMIC_RELAXED);
      kept = true;
    }
    Unlock();
  }
  if (!kept) Unmap(space);
}

void Recording::ForgetReturned() {
  // Another thread of the parent may have been at work here: then the list is not to be trusted.
  const int whole = locked_ == 0 ? returned_count_ : 0;
  for (int i = 0; i < whole; ++i) Unmap(returned_[i]);
  returned_count_ = 0;
  locked_ = 0;
}

void Recording::CountLost(uint64_t events, int error) {
  uint32_t none = 0;
  __atomic_compare_exchange_n(&header_->lost_errno, &none, static_cast<uint32_t>(error), false,
                              __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  __atomic_fetch_add(&header_->lost, events, __ATOMIC_RELAXED);
}

}  // namespace trireme
