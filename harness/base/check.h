#ifndef TRIREME_HARNESS_BASE_CHECK_H_
#define TRIREME_HARNESS_BASE_CHECK_H_

namespace trireme::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace trireme::internal

// States what only a bug of ours can break; on in every build. Input must never be able to trip it:
// what the world can do wrong is a Result.
#define TRIREME_CHECK(condition)                                        \
  do {                                                                  \
    if (!(condition)) [[unlikely]]                                      \
      ::trireme::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#endif  // TRIREME_HARNESS_BASE_CHECK_H_
