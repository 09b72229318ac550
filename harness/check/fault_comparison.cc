#include "harness/check/fault_comparison.h"

#include <optional>
#include <utility>

#include "harness/check/wire_comparison.h"

namespace trireme {
namespace {

void AddFaultLogs(const ComparedCells& cells, Comparison& comparison) {
  std::optional<Difference> difference =
      cells.here.CompareLogs(cells.reference, cells.reference_name, cells.scenario);
  if (!difference) return;
  comparison.verdict = Verdict::kFail;
  comparison.reason = difference->finding.message;
  comparison.differences.insert(comparison.differences.begin(), *std::move(difference));
}

void AddWire(const ComparedCells& cells, Comparison& comparison, CellResult& result) {
  const std::map<int64_t, Streams> there = cells.reference.KeptStreams();
  WireComparison wire =
      CompareWire(cells.wire, cells.here.KeptStreams(),
                  {.trials = there,
                   .name = cells.reference_name,
                   .per_trial = cells.per_trial,
                   .same_inputs = cells.same_inputs},
                  cells.scenario);
  result.wire = wire.ToJson();
  const bool alone = comparison.keys == 0 && comparison.verdict == Verdict::kUnknown;
  if (alone || wire.verdict > comparison.verdict) {
    comparison.verdict = wire.verdict;
    comparison.reason = wire.reason;
  }
  for (Difference& difference : wire.differences)
    comparison.differences.push_back(std::move(difference));
}

}  // namespace

void AddFaultComparison(const ComparedCells& cells, Comparison& comparison, CellResult& result) {
  if (cells.wire != WireRule::kNone) AddWire(cells, comparison, result);
  AddFaultLogs(cells, comparison);
}

}  // namespace trireme
