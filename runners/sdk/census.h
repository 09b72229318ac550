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
  // Nothing has outlived the workload. Costs some tens of microseconds.
  bool Clean() const;
  // One CENSUS event a kind of thing that did, and one of the kinds that could not be looked at.
  void Report() const;

 private:
  // The numbers that name the entries of a folder of /proc, or why it cannot be read.
  struct Listing {
    std::set<int> numbers;
    int error = 0;
  };
  static Listing List(const char* path);
  static Listing Children();

  Json Tasks() const;
  Json Threads(const Listing& now) const;
  Json Descriptors(const Listing& now) const;
  static Json Processes(const Listing& now);

  const Listing descriptors_ = List("/proc/self/fd");
  const Listing threads_ = List("/proc/self/task");
};

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_CENSUS_H_
