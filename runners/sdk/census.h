#ifndef TRIREME_RUNNERS_SDK_CENSUS_H_
#define TRIREME_RUNNERS_SDK_CENSUS_H_

#include <set>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// Threads of the runtime's own, which are no leak, say so. Any thread may ask for itself.
void DeclareOwnThread();

// What this process has before the workload starts, to be told from what the workload leaves
// behind.
class Census {
 public:
  Census();

  // Nothing has outlived the workload. Costs some tens of microseconds.
  bool Clean() const;
  // One CENSUS event a kind of thing that did.
  void Report() const;

 private:
  Json Tasks() const;
  Json Threads() const;
  Json Descriptors() const;
  Json Processes() const;

  std::set<int> descriptors_;
  std::set<int> threads_;
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_CENSUS_H_
