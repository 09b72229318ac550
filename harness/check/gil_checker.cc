#include "harness/check/gil_checker.h"

#include <string>
#include <utility>

namespace trireme {

std::string_view GilChecker::Summary() const {
  return "a free-threaded Python ran without the GIL to the end";
}

CheckResult GilChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kWarning || event.key != "gil-enabled") continue;
    const Json value = event.Value();
    const std::string module = value.is_string() ? value.get<std::string>() : DumpJson(value);
    const std::string message =
        "the GIL was turned on by " + module + ", so no threads ran at once";
    Finding finding = view.MakeFinding("gil-enabled", "gil-enabled", module, message, {});
    finding.evidence = {{"module", module}};
    CheckResult result = Unknown(message);
    result.findings.push_back(std::move(finding));
    return result;
  }
  return {};
}

}  // namespace trireme
