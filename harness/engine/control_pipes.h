#ifndef TRIREME_HARNESS_ENGINE_CONTROL_PIPES_H_
#define TRIREME_HARNESS_ENGINE_CONTROL_PIPES_H_

#include <string>

namespace trireme {

// libfiu makes two pipes for each process that fiu-ctrl may control, NAME-PID.in and NAME-PID.out, where FIU_CTRL_FIFO is
// NAME, and removes them as the process exits; one that a signal ended leaves them.

// Removes those of processes that there are no more. Whoever started the processes calls it once they ended.
void RemoveControlPipesOfTheDead(const std::string& name);
// The same by the environment; nothing where that asks for no control.
void RemoveControlPipesOfTheDead();

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_CONTROL_PIPES_H_
