#include "harness/probe/ready_descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/probe/addresses.h"
#include "harness/probe/descriptors.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

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

bool IsAmong(uint64_t data, const epoll_event* events, int count) {
  for (int i = 0; i < count; ++i)
    if (events[i].data.u64 == data) return true;
  return false;
}

void AddReady(TextBuffer& text, int fd) {
  text.Add("{\"fd\":").AddNumber(fd);
  const Descriptor* descriptor = LookUp(fd);
  if (descriptor != nullptr) text.Add(",\"kind\":\"").Add(NameOf(descriptor->kind)).Add("\"");
  AddAddress(text, "local", SYS_getsockname, fd);
  AddAddress(text, "peer", SYS_getpeername, fd);
  text.Add("}");
}

// Those of the set's descriptors that the events are of. How many.
int AddDescriptors(TextBuffer& text, const char* registers, const epoll_event* events, int count) {
  int told = 0;
  for (const char* line = registers; line != nullptr && told < kTold;) {
    const char* next = strchr(line, '\n');
    const char* end = next == nullptr ? line + strlen(line) : next;
    if (strncmp(line, "tfd:", 4) == 0 &&
        IsAmong(NumberAfter(line, end, "data:", 16), events, count)) {
      if (told++ != 0) text.Add(",");
      AddReady(text, static_cast<int>(NumberAfter(line, end, "tfd:", 10)));
    }
    line = next == nullptr ? nullptr : next + 1;
  }
  return told;
}

}  // namespace

void TellReady(int set, const epoll_event* events, int count) {
  // Not on the stack, which may be that of a fiber.
  static char registers[kRegisters];
  static char bytes[1024];
  static bool taken = false;
  if (FollowedHeader() == nullptr || __atomic_exchange_n(&taken, true, __ATOMIC_ACQUIRE)) return;
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
  __atomic_store_n(&taken, false, __ATOMIC_RELEASE);
}

}  // namespace trireme
