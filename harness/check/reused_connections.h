#ifndef TRIREME_HARNESS_CHECK_REUSED_CONNECTIONS_H_
#define TRIREME_HARNESS_CHECK_REUSED_CONNECTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/applied_faults.h"
#include "harness/check/trial_view.h"

namespace trireme {

// A connection, seen from the end that connected, that was hit by faults in another task than the one that opened it: as those
// of a pool are. Its id says who opened it, so that it does not say whom the fault befell.
struct ReusedConnection {
  std::string connection;    // its id
  std::string local, peer;   // addresses; "" where they are not known
  std::string opener;        // "task 7", "thread 4711 of process 4700"
  std::map<std::string, int64_t> faults;  // by who suffered them, the opener as well

  Json ToJson() const;  // as results.json has it
};

// "-#0 (127.0.0.1:4711 to 127.0.0.1:5432), opened by thread 1: 2 faults in thread 3"; of what ToJson() gave.
std::string ReusedInWords(const Json& reused);

// `faults`: of the trial. In the order in which they were opened. What moves its bytes in a loop that serves all tasks (asyncio's transports) is
// nobody's use: neither a loop nor a task that may have asked it is another one for it. Only uses that a fault hit are known.
std::vector<ReusedConnection> ReusedConnections(const TrialView& view,
                                                const std::vector<AppliedFault>& faults);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_REUSED_CONNECTIONS_H_
