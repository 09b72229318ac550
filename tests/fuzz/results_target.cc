#include "tests/fuzz/results_target.h"

#include "harness/base/check.h"
#include "harness/base/json_salvage.h"
#include "harness/check/judge.h"
#include "harness/check/results.h"
#include "harness/check/shape.h"
#include "harness/scenario/plan.h"
#include "reports/report.h"

namespace trireme {
namespace {

// Every report, narrow and wide; and what was read must come back from its own JSON.
void Report(const RunResults& results) {
  for (const ReportFormat& format : ReportFormats()) {
    if (format.write == nullptr) continue;
    TRIREME_CHECK(!format.write(results, ReportStyle{}).empty());
    TRIREME_CHECK(!format.write(results, {.unicode = true, .color = true, .columns = 20}).empty());
  }
  const Json once = results.ToJson();
  const Result<RunResults> again = RunResults::FromJson(once);
  TRIREME_CHECK(again.ok() && again->cells.size() == results.cells.size());
  TRIREME_CHECK(again->exit_code() == results.exit_code());
}

}  // namespace

void ReadAnyResults(const std::string& text) {
  const SalvagedJson salvaged = SalvageJson(text);
  static const Json& of_results = *new Json(ResultsSchema());
  static const Json& of_plan = *new Json(PlanShape());
  (void)ShapeProblems(of_results, salvaged.value);
  (void)ShapeProblems(of_plan, salvaged.value);
  if (const Result<RunResults> results = RunResults::FromJson(salvaged.value); results.ok())
    Report(*results);
  if (const Result<Plan> plan = Plan::FromJson(salvaged.value); plan.ok())
    (void)EstimateRun(*plan, 2);
  Report(RunJudge(salvaged.value).Finish(salvaged.value));
}

}  // namespace trireme
