#ifndef TRIREME_HARNESS_BASE_STOP_REQUEST_H_
#define TRIREME_HARNESS_BASE_STOP_REQUEST_H_

#include <functional>

namespace trireme {

// Asked by what may take long, at places that are not far apart: whether to give it up. Once true,
// it stays so for as long as that goes on. Empty: never.
using StopRequest = std::function<bool()>;

inline bool IsStopped(const StopRequest& stop) { return stop && stop(); }

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_STOP_REQUEST_H_
