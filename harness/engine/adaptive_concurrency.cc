#include "harness/engine/adaptive_concurrency.h"

#include <algorithm>

namespace trireme {
namespace {

// Left to what else wants a processor: the trials themselves when many wake at once, and the harness.
constexpr double kIdleShareKept = 0.2;
// A share of fewer ticks is too coarse.
constexpr uint64_t kFewestTicks = 10;

}  // namespace

void AdaptiveConcurrency::Sample(const ProcessorTimes& now, bool full) {
  if (!last_) {
    last_ = now;
    return;
  }
  const uint64_t ticks = now.total - last_->total;
  if (now.total < last_->total || now.idle < last_->idle) {  // the kernel's idle time may go back
    last_ = now;
    return;
  }
  if (ticks < kFewestTicks) return;
  const double idle = static_cast<double>(now.idle - last_->idle) / static_cast<double>(ticks);
  last_ = now;
  const double change = 1 + idle - kIdleShareKept;
  if (change > 1 && !full) return;
  limit_ = std::clamp(limit_ * change, static_cast<double>(least_),
                      static_cast<double>(std::max(least_, most_)));
}

int AdaptiveConcurrency::limit() const { return static_cast<int>(limit_); }

}  // namespace trireme
