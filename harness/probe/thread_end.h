#ifndef TRIREME_HARNESS_PROBE_THREAD_END_H_
#define TRIREME_HARNESS_PROBE_THREAD_END_H_

namespace trireme {

// Has `function` called when the calling thread ends. False where the program may map no more memory: the C library needs some
// to remember it, and would end the program.
bool CallAtThreadEnd(void (*function)(void*), void* argument);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_THREAD_END_H_
