#ifndef TRIREME_HARNESS_CHECK_FAULT_COMPARISON_H_
#define TRIREME_HARNESS_CHECK_FAULT_COMPARISON_H_

#include <string>

#include "harness/check/cell_faults.h"
#include "harness/check/equivalence.h"
#include "harness/check/results.h"
#include "harness/check/wire_fields.h"

namespace trireme {

// Two cells that are compared.
struct ComparedCells {
  CellFaults& here;
  const CellFaults& reference;
  std::string reference_name;  // "eventlet/3.11"
  std::string scenario;
  WireRule wire = WireRule::kNone;
  bool per_trial = false;
  bool same_inputs = true;
};

// Adds to the comparison of what they observed that of their fault logs and, where the cell asks for it, of the bytes of
// their connections. Other faults for the same bytes make every other comparison worthless, so they come first; bytes
// may be all that there is to compare.
void AddFaultComparison(const ComparedCells& cells, Comparison& comparison, CellResult& result);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_FAULT_COMPARISON_H_
