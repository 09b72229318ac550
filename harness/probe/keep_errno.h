#ifndef TRIREME_HARNESS_PROBE_KEEP_ERRNO_H_
#define TRIREME_HARNESS_PROBE_KEEP_ERRNO_H_

#include <errno.h>

namespace trireme {

// What errno was when this was made, it is again when this ends.
class KeepErrno {
 public:
  KeepErrno() : value_(errno) {}
  ~KeepErrno() { errno = value_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int value_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_KEEP_ERRNO_H_
