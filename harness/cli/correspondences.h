#ifndef TRIREME_HARNESS_CLI_CORRESPONDENCES_H_
#define TRIREME_HARNESS_CLI_CORRESPONDENCES_H_

#include <string>
#include <vector>

#include "harness/base/locations.h"

namespace trireme {

// What a name of the workload API is made of in one runtime: a row of the migration guide.
struct Correspondence {
  std::string feature, runtime, native, remarks;
};

// Asks the runners, where the tables lie next to the code. By feature, then runtime, both in the
// order of the tables. What a runner cannot say (a runtime that is not installed) is said on
// standard error and left out.
std::vector<Correspondence> ReadCorrespondences(const Locations& locations);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_CORRESPONDENCES_H_
