#ifndef TRIREME_HARNESS_BASE_UNIQUE_FD_H_
#define TRIREME_HARNESS_BASE_UNIQUE_FD_H_

#include <utility>

namespace trireme {

// Owns a file descriptor and closes it.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_UNIQUE_FD_H_
