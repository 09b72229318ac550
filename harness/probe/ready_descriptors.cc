#include "harness/probe/ready_descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/probe/addresses.h"
#include "harness/probe/descriptors.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"
#include "harness/probe/waits.h"

namespace trireme {
namespace {

constexpr int kTold = 4;  // descriptors of one event
// Bytes of /proc/self/fdinfo: a hundred and more descriptors.
constexpr size_t kRegisters = 16 * 1024;

// The digits behind `name` in [text, end): "tfd:        5 events:       19 data:                5  pos:0". 0 without any.
uint64_t NumberAfter(const char* text, const char* end, const char* name, unsigned base) {
  const size_t length = strlen(name);
  const void* found = memmem(text, static_cast<size_t>(end - text), name, length);
  if (found == nullptr) return 0;
  const char* at = static_cast<const char*>(found) + length;
  while (at < end && *at == ' ') ++at;
  uint64_t number = 0;
  for (; at < end; ++at) {
    const unsigned digit = *at >= '0' && *at <= '9'   ? static_cast<unsigned>(*at - '0')
                           : *at >= 'a' && *at <= 'f' ? static_cast<unsigned>(*at - 'a') + 10
                                                      : base;
    if (digit >= base) break;
    number = number * base + digit;
  }
  return number;
}

// The descriptor that was registered with that word; -1: none, or several, of which nobody knows which one it is. What was
// cut off at the end of the text is no line.
int DescriptorOf(uint64_t data, const char* registers) {
  int fd = -1;
  for (const char *line = registers, *end = strchr(line, '\n'); end != nullptr;
       line = end + 1, end = strchr(line, '\n')) {
    if (strncmp(line, "tfd:", 4) != 0 || NumberAfter(line, end, "data:", 16) != data) continue;
    if (fd >= 0) return -1;
    fd = static_cast<int>(NumberAfter(line, end, "tfd:", 10));
  }
  return fd;
}

ReaderSource reader_source = nullptr;
WriterSource writer_source = nullptr;

uint64_t ReaderMembers(int fd, char* place, uint64_t size) {
  const ReaderSource source = __atomic_load_n(&reader_source, __ATOMIC_ACQUIRE);
  const uint32_t task = source == nullptr ? 0 : StandingReaderOf(fd);
  return task == 0 ? 0 : source(task, place, size);
}

uint64_t WriterMembers(int fd, char* place, uint64_t size) {
  const WriterSource source = __atomic_load_n(&writer_source, __ATOMIC_ACQUIRE);
  return source == nullptr ? 0 : source(fd, place, size);
}

// Who has been told of that event, and leaves it there. An error or an end is for both to see.
void AddCallback(TextBuffer& text, int fd, uint32_t events) {
  static char members[512];  // as all of this, one thread's at a time
  uint64_t size = 0;
  if ((events & ~uint32_t{EPOLLOUT}) != 0) size = ReaderMembers(fd, members, sizeof(members));
  if (size == 0 && (events & ~uint32_t{EPOLLIN}) != 0)
    size = WriterMembers(fd, members, sizeof(members));
  if (size != 0 && size + 300 < text.left()) text.Add(",").AddBytes(members, size);
}

void AddReady(TextBuffer& text, int fd, uint32_t happened) {
  text.Add("{\"fd\":").AddNumber(fd);
  const Descriptor* descriptor = LookUp(fd);
  if (descriptor != nullptr) text.Add(",\"kind\":\"").Add(NameOf(descriptor->kind)).Add("\"");
  AddAddress(text, "local", SYS_getsockname, fd);
  AddAddress(text, "peer", SYS_getpeername, fd);
  AddCallback(text, fd, happened);
  text.Add("}");
}

// Those of the set's descriptors that the events are of. How many.
int AddDescriptors(TextBuffer& text, const char* registers, const epoll_event* events, int count) {
  int told = 0;
  for (int i = 0; i < count && told < kTold; ++i) {
    const int fd = DescriptorOf(events[i].data.u64, registers);
    if (fd < 0) continue;
    if (told++ != 0) text.Add(",");
    AddReady(text, fd, events[i].events);
  }
  return told;
}

}  // namespace

void SetReaderSource(ReaderSource source) {
  __atomic_store_n(&reader_source, source, __ATOMIC_RELEASE);
}

void SetWriterSource(WriterSource source) {
  __atomic_store_n(&writer_source, source, __ATOMIC_RELEASE);
}

void TellReady(int set, const epoll_event* events, int count) {
  // Not on the stack, which may be that of a fiber.
  static char registers[kRegisters];
  static char bytes[2048];
  static uint32_t taker = 0;  // the process: what it forks while one of its threads is here is another one
  const uint32_t own = ProcessId();
  uint32_t before = __atomic_load_n(&taker, __ATOMIC_RELAXED);
  if (FollowedHeader() == nullptr || before == own ||
      !__atomic_compare_exchange_n(&taker, &before, own, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return;
  const int error = errno;
  TextBuffer path;
  path.Add("/proc/self/fdinfo/").AddNumber(set);
  TextBuffer text(bytes, sizeof(bytes));
  text.Add("{\"descriptors\":[");
  if (ReadFile(path.text(), registers, sizeof(registers)) > 0 &&
      AddDescriptors(text, registers, events, count) != 0) {
    text.Add("]}");
    Record({.kind = TRIREME_USAGE,
            .type = TRIREME_JSON,
            .key = {"ready", 5},
            .value = {text.text(), text.size()}});
  }
  errno = error;
  __atomic_store_n(&taker, 0, __ATOMIC_RELEASE);
}

}  // namespace trireme
