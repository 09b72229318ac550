#ifndef TRIREME_HARNESS_PROBE_TEXT_H_
#define TRIREME_HARNESS_PROBE_TEXT_H_

#include <stddef.h>
#include <stdint.h>

namespace trireme {

// Text that is put together without allocating. What does not fit is cut off: left() says beforehand what does.
class TextBuffer {
 public:
  TextBuffer() : TextBuffer(own_, sizeof(own_)) {}
  // In `place`, which must remain live.
  TextBuffer(char* place, size_t capacity) : place_(place), capacity_(capacity) { *place_ = '\0'; }
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  TextBuffer& Add(const char* text) {
    while (*text != '\0') AddByte(*text++);
    return *this;
  }
  TextBuffer& AddBytes(const char* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) AddByte(bytes[i]);
    return *this;
  }
  TextBuffer& AddNumber(int64_t number);
  TextBuffer& AddHex(uint64_t number);
  // As the inside of a JSON string. Bytes that are not ASCII become their escapes.
  TextBuffer& AddEscaped(const char* text);

  const char* text() const { return place_; }
  size_t size() const { return size_; }
  size_t left() const { return capacity_ - size_ - 1; }

 private:
  void AddByte(char byte) {
    if (size_ + 1 >= capacity_) return;
    place_[size_++] = byte;
    place_[size_] = '\0';
  }

  char own_[96];
  char* place_;
  size_t capacity_;
  size_t size_ = 0;
};

// The start of a file, with a zero behind it; -1 when it cannot be read. Uses system calls directly.
long ReadFile(const char* path, char* bytes, size_t size);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_TEXT_H_
