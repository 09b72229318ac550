#include "harness/cli/correspondences.h"

#include <algorithm>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/cli/console.h"
#include "harness/cli/interpreters.h"
#include "harness/protocol/runtimes.h"

namespace trireme {
namespace {

constexpr int64_t kTableTimeout = 60 * kNanosecondsPerSecond;

// A Python runtime may be installed for one interpreter and not for another: the first that can say
// it is asked.
Result<std::vector<std::string>> RunnerOf(const RuntimeInfo& runtime, const Locations& locations) {
  const std::string name(runtime.name);
  if (runtime.language == "cpp")
    return std::vector<std::string>{locations.runner, "--correspondences", name};
  TRIREME_ASSIGN_OR_RETURN(const std::vector<Interpreter> chosen,
                           ChooseInterpreters(FindInterpreterPlaces({}, locations.data), {}));
  return std::vector<std::string>{chosen.front().path,
                                  JoinPath(locations.agent, "trireme_agent/__main__.py"),
                                  "correspondences", name};
}

Result<Json> AskRunner(const RuntimeInfo& runtime, const Locations& locations) {
  TRIREME_ASSIGN_OR_RETURN(const std::vector<std::string> argv, RunnerOf(runtime, locations));
  TRIREME_ASSIGN_OR_RETURN(const CommandOutcome outcome,
                           RunCommand(argv, {.timeout = kTableTimeout}));
  if (outcome.exit_code != 0)
    return InfrastructureError(
        std::string(Trim(outcome.err)).substr(outcome.err.rfind("error: ") == 0 ? 7 : 0));
  TRIREME_ASSIGN_OR_RETURN(const Json answer, ParseJson(outcome.out, argv.front()));
  return answer.is_array() ? answer : GetMember(answer, "correspondences");
}

// The two languages call the columns differently, and Python's features have their owner before
// them: rt.spawn.
Correspondence ToCorrespondence(const Json& row, const RuntimeInfo& runtime) {
  const bool cpp = runtime.language == "cpp";
  std::string feature = GetString(row, cpp ? "api" : "feature");
  for (const std::string_view owner : {"rt.", "Task."})
    if (feature.starts_with(owner)) feature.erase(0, owner.size());
  return {.feature = feature,
          .runtime = std::string(runtime.name),
          .native = GetString(row, cpp ? "native" : "api"),
          .remarks = GetString(row, cpp ? "note" : "remarks")};
}

}  // namespace

std::vector<Correspondence> ReadCorrespondences(const Locations& locations) {
  std::vector<Correspondence> all;
  std::vector<std::string> order;  // of features, by first appearance
  for (const RuntimeInfo& runtime : Runtimes()) {
    const Result<Json> table = AskRunner(runtime, locations);
    if (!table.ok()) {
      PrintError("warning: nothing is known of " + std::string(runtime.name) + ": " +
                 table.error().message + "\n");
      continue;
    }
    for (const Json& row : *table) {
      all.push_back(ToCorrespondence(row, runtime));
      if (std::find(order.begin(), order.end(), all.back().feature) == order.end())
        order.push_back(all.back().feature);
    }
  }
  const auto place = [&](const Correspondence& row) {
    return std::find(order.begin(), order.end(), row.feature);
  };
  std::stable_sort(all.begin(), all.end(), [&](const Correspondence& a, const Correspondence& b) {
    return place(a) < place(b);
  });
  return all;
}

}  // namespace trireme
