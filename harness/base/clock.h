#ifndef TRIREME_HARNESS_BASE_CLOCK_H_
#define TRIREME_HARNESS_BASE_CLOCK_H_

#include <cstdint>
#include <string>

namespace trireme {

// Time for everything that decides by it, so that tests can set it.
class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds of CLOCK_MONOTONIC: the clock of histories, comparable between processes of one machine.
  virtual int64_t Now() const = 0;
  // Nanoseconds since 1970.
  virtual int64_t WallNow() const = 0;
};

// The machine's; lives for ever. Thread safety: any threads.
const Clock& SystemClock();

// 2026-01-02T03:04:05Z
std::string FormatUtc(int64_t wall_nanoseconds);

inline constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
inline constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_CLOCK_H_
