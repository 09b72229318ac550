#ifndef TRIREME_HARNESS_SCENARIO_CELL_ID_H_
#define TRIREME_HARNESS_SCENARIO_CELL_ID_H_

#include <string>
#include <vector>

#include "harness/scenario/plan.h"

namespace trireme {

// "patterns.client-tcp-eventlet-3.11-1f0c": the scenario's name, the values of its matrix, runtime
// and interpreter as a file name, and a hash of the cell's key. The key holds no path of this
// machine, so the same cell has the same id everywhere. `in_matrix` names the params that the
// scenario's matrix adds; such a cell's hash is longer, since the slug alone may not tell its
// siblings apart.
std::string CellId(const PlannedCell& cell, const std::vector<std::string>& in_matrix);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_CELL_ID_H_
