#include "harness/check/resumption.h"

#include <algorithm>
#include <vector>

#include "harness/check/sync_events.h"

namespace trireme {
namespace {

// Sent bytes may lie in a socket whose peer reads no more.
bool ReceivedBytes(const Event& event) {
  if (event.kind == EventKind::kWire)
    return event.type == ValueType::kBytes && event.key.ends_with(" read");
  if (event.kind != EventKind::kWake || event.type != ValueType::kInt || event.key != "recv")
    return false;
  const Json bytes = event.Value();
  return bytes.is_number_integer() && bytes.get<int64_t>() > 0;
}

bool IsDone(const Event& event) {
  switch (event.kind) {
    case EventKind::kOk:
    case EventKind::kObserve:
    case EventKind::kOutcome:
    case EventKind::kMetric:
      return true;
    default:
      return ReceivedBytes(event);
  }
}

// What the harness and the kernel do while the program stands still.
bool IsOfOthers(const Event& event) {
  switch (event.kind) {
    case EventKind::kFault:
    case EventKind::kExit:
    case EventKind::kUsage:
    case EventKind::kHold:
    case EventKind::kCensus:
    case EventKind::kProcess:
    case EventKind::kWarning:
      return true;
    default:
      return false;
  }
}

bool HasEnded(const TrialView& view) {
  return view.exit.how != "timeout" || (view.end != nullptr && view.end->time <= view.exit.timeout);
}

// One that lasts and is not said to be over goes on for ever.
std::optional<AppliedFault> LastOver(const TrialView& view,
                                     const std::vector<AppliedFault>& faults) {
  const auto last =
      std::max_element(faults.begin(), faults.end(),
                       [](const AppliedFault& a, const AppliedFault& b) { return a.end < b.end; });
  const auto lasts = [](const AppliedFault& fault) { return fault.lasts; };
  if (last == faults.end() || std::any_of(faults.begin(), faults.end(), lasts)) return {};
  const int64_t timeout = view.exit.timeout;
  if (last->end > timeout - timeout / 4) return {};
  return *last;
}

}  // namespace

std::optional<Standstill> FindStandstill(const TrialView& view,
                                         const std::vector<AppliedFault>& faults) {
  // What was recorded no more looks as what happened no more.
  if (HasEnded(view) || !WhyNotWhole(view).empty()) return {};
  const std::optional<AppliedFault> last = LastOver(view, faults);
  if (!last) return {};
  const int64_t timeout = view.exit.timeout;
  const int64_t half = last->end + (timeout - last->end) / 2;
  Standstill still{.fault = *last};
  for (const Event& event : view.history->events()) {
    if (event.time <= last->end || event.time > timeout || IsOfOthers(event)) continue;
    if (IsDone(event)) return {};
    still.last_event = std::max(still.last_event, event.time);
    if (event.kind != EventKind::kFail && event.kind != EventKind::kInfo) continue;
    ++still.failed;
    still.last_failure = std::max(still.last_failure, event.time);
  }
  if (still.last_event > half && still.last_failure <= half) return {};
  return still;
}

}  // namespace trireme
