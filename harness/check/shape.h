#ifndef TRIREME_HARNESS_CHECK_SHAPE_H_
#define TRIREME_HARNESS_CHECK_SHAPE_H_

#include <string>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// Where `value` has not the shape that `schema` wants, for people: "cells[2].trials: \"5\" where a
// list belongs". At most `most` of them, and a last one that counts the rest. Of JSON Schema it
// knows what our own schemas need ($ref, type, const, enum, required, properties,
// additionalProperties, items, minimum, maximum) and passes over the rest. `path` names the value.
std::vector<std::string> ShapeProblems(const Json& schema, const Json& value,
                                       const std::string& path = "", size_t most = 10);

// What a saved run's files must look like to be judged again: plan.json (its head, and a cell of
// it), one line of trials.jsonl, and verdict.json. That of results.json is published.
Json PlanShape();
Json PlannedCellShape();
Json TrialLineShape();
Json TrialVerdictShape();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_SHAPE_H_
