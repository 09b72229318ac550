#ifndef TRIREME_HARNESS_SCENARIO_PLAN_OPTIONS_H_
#define TRIREME_HARNESS_SCENARIO_PLAN_OPTIONS_H_

#include <string>
#include <vector>

#include "harness/scenario/plan.h"

namespace trireme {

// The scenarios that --tag leaves. kNothing when there is none.
Result<std::vector<const Scenario*>> ChooseScenarios(const std::vector<Scenario>& scenarios,
                                                     const PlanOptions& options);

// kUsage for an option that names what no chosen scenario has.
Status CheckOptions(const std::vector<const Scenario*>& scenarios, const PlanOptions& options,
                    const Vocabulary& vocabulary);

// The trials that a cell of `scenario` has in this plan, before --trial picks some.
int64_t TrialsOf(const Scenario& scenario, const PlanOptions& options);
// Whether --trial, when given, leaves the scenario any.
bool HasChosenTrial(const Scenario& scenario, const PlanOptions& options);

Diagnostic NothingToRun(std::string message, std::string hint = "");

// Whether a fault of the plan strikes at each of its points in turn.
bool HasSweep(const FaultChoice& choice);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_PLAN_OPTIONS_H_
