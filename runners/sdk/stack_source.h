#ifndef TRIREME_RUNNERS_SDK_STACK_SOURCE_H_
#define TRIREME_RUNNERS_SDK_STACK_SOURCE_H_

namespace trireme {

// From now on the probe learns where the tasks of this process's trial called the workload API, when two of them meet at
// a socket: one frame a task, for what is below it is parked, of another thread, or gone.
void InstallStackSource();

}  // namespace trireme

#endif  // TRIREME_RUNNERS_SDK_STACK_SOURCE_H_
