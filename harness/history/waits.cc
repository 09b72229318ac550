#include "harness/history/waits.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "harness/base/unique_fd.h"
#include "harness/history/packing.h"
#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

// As trireme_object says.
WaitNow Decode(const trireme_object& object, int direction) {
  const uint64_t word = object.waiters[direction];
  const bool is_thread = (word >> 39 & 1) != 0;
  return {.inode = object.inode,
          .writes = direction == 1,
          .process = static_cast<uint32_t>(word >> 40) & 0x3fffff,
          .thread = object.threads[direction],
          .task = is_thread ? 0 : static_cast<uint32_t>(word),
          .fd = object.fds[direction]};
}

}  // namespace

Result<std::vector<WaitNow>> ReadWaits(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  const FileSource source(fd.get());
  TRIREME_ASSIGN_OR_RETURN(const trireme_header header, ReadHeader(source));
  std::vector<WaitNow> waits;
  trireme_object object{};
  for (uint64_t i = 0; i < header.objects; ++i) {
    const uint64_t place = TRIREME_HEADER_SIZE + i * sizeof(object);
    if (!source.ReadAt(place, reinterpret_cast<char*>(&object), sizeof(object))) break;
    for (const int direction : {0, 1})
      if (object.waiters[direction] >> 62 == 1 || object.waiters[direction] >> 62 == 3)
        waits.push_back(Decode(object, direction));
  }
  return waits;
}

}  // namespace trireme
