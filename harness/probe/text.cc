#include "harness/probe/text.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trireme {

TextBuffer& TextBuffer::AddNumber(int64_t number) {
  char digits[24];
  size_t at = sizeof(digits);
  const bool negative = number < 0;
  uint64_t rest = negative ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  do digits[--at] = static_cast<char>('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (negative) digits[--at] = '-';
  return AddBytes(digits + at, sizeof(digits) - at);
}

TextBuffer& TextBuffer::AddHex(uint64_t number) {
  char digits[16];
  size_t at = sizeof(digits);
  do digits[--at] = "0123456789abcdef"[number & 15];
  while ((number >>= 4) != 0);
  return AddBytes(digits + at, sizeof(digits) - at);
}

TextBuffer& TextBuffer::AddEscaped(const char* text) {
  for (; *text != '\0'; ++text) {
    const auto value = static_cast<unsigned char>(*text);
    if (value >= 0x20 && value < 0x7f && value != '"' && value != '\\') {
      AddByte(*text);
      continue;
    }
    const char* digits = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', digits[value >> 4], digits[value & 15]};
    AddBytes(escape, sizeof(escape));
  }
  return *this;
}

long ReadFile(const char* path, char* bytes, size_t size) {
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return -1;
  const long got = syscall(SYS_read, fd, bytes, size - 1);
  syscall(SYS_close, fd);
  bytes[got < 0 ? 0 : got] = '\0';
  return got;
}

}  // namespace trireme
