#ifndef TRIREME_HARNESS_ENGINE_PORT_SHARES_H_
#define TRIREME_HARNESS_ENGINE_PORT_SHARES_H_

#include <cstddef>

#include "harness/history/writer.h"

namespace trireme {

// Of the ports that the kernel gives to those for whom any will do, an equal share for each of `slots` trials that run at once:
// no client of one meets the server of another at a port that was given out again. None where there are too few.
PortRange ShareOfPorts(size_t slot, size_t slots);

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PORT_SHARES_H_
