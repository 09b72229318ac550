// How the stack of a thread that holds its loop is got.
//
// Python: a thread of ours asks for the interpreter, as any other would, which gets it at the next bytecode, or when a
// C call gives it up. One that does not give it up keeps us out for as long as the hold lasts, and then the stack is
// that of something else. So after a moment the process is copied, as fork() does, and the frames are read in the copy,
// by functions that otherwise need the interpreter: there nobody else runs, and whatever goes wrong goes wrong with the
// copy. What was read is true, for the thread was at the same step before and after, and nobody got the interpreter
// meanwhile, so that it was in that call.
//
// C++: only a program that asked for it (our own runner) is interrupted by a signal, whose handler unwinds.
#include "harness/probe/hold_stack.h"

#include "harness/probe/native_stack.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/python_frames.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

// Ten times as long as a thread may keep the interpreter that another wants.
constexpr uint64_t kAskFor = 50 * kMillisecond;
constexpr uint64_t kSignalFor = 500 * kMillisecond;

void TakeOfPython(const LoopStep& step, HoldStack* stack) {
  const uint64_t ask = AskForFrames(step);
  const uint64_t end = Now() + kAskFor;
  while (ask != 0 && !FramesHaveCome(ask) && step.Lasts() && Now() < end) SleepFor(kMillisecond);
  if (ask != 0 && FramesHaveCome(ask)) {
    if (!TakeFrames(ask, stack)) stack->source = "none: it was over when the interpreter was asked";
    return;
  }
  stack->ask = ask;
  if (!step.Lasts()) {
    stack->source = "none: it was over before the interpreter was to be had";
  } else if (!CopyFrames(step, stack)) {
    stack->source = "none: a call holds the interpreter, and its frames cannot be read without it";
  }
}

void TakeOfThread(const LoopStep& step, HoldStack* stack) {
  void* frames[kNativeFrames];
  const int count = InterruptForStack(step, frames, kSignalFor);
  TextBuffer text(stack->text, stack->capacity);
  const char* separator = "[";
  for (int i = count - 1; i >= 0; --i) AddFrame(text, frames[i], separator);
  if (count == 0 || *separator == '[') {
    stack->source = step.Lasts()
                        ? "none: the thread does not answer the signal that asks for its stack"
                        : "none: it was over when the thread was asked";
    return;
  }
  text.Add("]");
  stack->size = text.size();
  stack->source = "a signal";
}

}  // namespace

void TakeHoldStack(const LoopStep& step, HoldStack* stack) {
  if (step.loop->python != nullptr) return TakeOfPython(step, stack);
  if (UnwindsNativeStacks()) return TakeOfThread(step, stack);
  stack->source = "not taken: of a program that is not ours";
}

bool LateHoldStack(uint64_t ask, HoldStack* stack) {
  if (!FramesHaveCome(ask)) return false;
  TakeFrames(ask, stack);
  if (stack->size == 0) return false;
  stack->source = "after: the interpreter was not to be had while it lasted";
  return true;
}

void ForgetHoldStacks() { ForgetFrames(); }

}  // namespace trireme
