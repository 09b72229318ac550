#ifndef TRIREME_HARNESS_PROBE_NATIVE_STACK_H_
#define TRIREME_HARNESS_PROBE_NATIVE_STACK_H_

#include <stdint.h>

#include "harness/probe/hold_stack.h"
#include "harness/probe/text.h"

namespace trireme {

constexpr int kNativeFrames = 48;
constexpr uint64_t kFrameRoom = 300;  // of one frame, and of what ends the text

// From now on stacks of C frames are unwound: by libgcc, which allocates and takes some KiB of stack.
void UnwindNativeStacks();
bool UnwindsNativeStacks();

// Adds "workload.so in Echo" or "libz.so.1+0x1234", quoted, with `separator` before it, which then is a comma. Nothing
// for our own frames, and where there is no room. Names that the loader does not know are looked up in the files of the
// objects.
void AddFrame(TextBuffer& text, const void* place, const char*& separator);

// The frames of a step's thread, innermost first, by a signal whose handler writes them down; how many. 0: it did not
// answer in time, its step was over when it did, or the program uses the signal itself. Calls that the kernel does not
// restart end early in that thread, and the step may with them: its frames are of it all the same. REQUIRES:
// UnwindsNativeStacks(), and one caller at a time.
int InterruptForStack(const LoopStep& step, void** frames, uint64_t patience);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_NATIVE_STACK_H_
