#include "harness/check/task_faults.h"

#include "harness/base/json.h"

namespace trireme {
namespace {

// Whether a FAULT of the trial did that, which no other class of faults does.
bool DidToATask(const TrialView& view, const char* what) {
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kFault && GetBool(GetMember(event.Value(), "do"), what))
      return true;
  return false;
}

}  // namespace

bool HasTaskFault(const TrialView& view) {
  return DidToATask(view, "cancel") || DidToATask(view, "timeout");
}

bool IsOfTaskFault(const TrialView& view, const TrialError& error) {
  if (error.family == "cancelled") return DidToATask(view, "cancel");
  return error.family == "timeout" && DidToATask(view, "timeout");
}

}  // namespace trireme
