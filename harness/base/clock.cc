#include "harness/base/clock.h"

#include <ctime>

namespace trireme {
namespace {

int64_t Read(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
}

class RealClock final : public Clock {
 public:
  int64_t Now() const override { return Read(CLOCK_MONOTONIC); }
  int64_t WallNow() const override { return Read(CLOCK_REALTIME); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock& clock = *new RealClock();
  return clock;
}

std::string FormatUtc(int64_t wall_nanoseconds) {
  const time_t seconds = wall_nanoseconds / kNanosecondsPerSecond;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

}  // namespace trireme
