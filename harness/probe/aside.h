#ifndef TRIREME_HARNESS_PROBE_ASIDE_H_
#define TRIREME_HARNESS_PROBE_ASIDE_H_

namespace trireme {

// Runs `function` while this thread waits, in a child that shares memory but has its own copy of
// the descriptors, of which it closed one: for a program that has used up all it may have, which is
// when its history matters most. Nothing runs when no such child can be made.
void RunAside(void (*function)(void*), void* argument);
// After fork: what another thread of the parent was doing aside is no affair of the child's.
void ForgetAsideInChild();

// Runs `function` in a copy of this process, as fork() makes one, in which no other thread is; what it leaves it leaves in
// shared memory. Ends it where it is not over while `wanted` says so, asked each millisecond. Whatever goes wrong there stays
// there. REQUIRES: all signals are blocked.
void RunInCopy(void (*function)(void*), void* argument, bool (*wanted)(void*));

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_ASIDE_H_
