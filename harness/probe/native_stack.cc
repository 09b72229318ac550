#include "harness/probe/native_stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/local_symbol.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/recorder.h"

// dladdr moved to libc in glibc 2.34; the old version of the symbol serves both.
#if defined(__x86_64__)
__asm__(".symver dladdr,dladdr@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dladdr,dladdr@GLIBC_2.17");
#endif

namespace trireme {
namespace {

constexpr int kUnwindSignal = 34 + 13;  // SIGRTMIN+13; the runner uses +11 and +12
constexpr int kOfTheHandler = 2;        // it, and what the kernel returns to

bool unwinds = false;
uint32_t unwind_turn = 0;  // atomic: the thread that shall write its frames
LoopStep unwind_step;      // that it shall be in
int unwind_count = 0;
void* unwind_frames[kNativeFrames + kOfTheHandler];

void OnUnwindSignal(int) {
  const int error = errno;
  const uint32_t self = ThreadId();
  if (__atomic_load_n(&unwind_turn, __ATOMIC_ACQUIRE) == self) {
    unwind_count =
        unwind_step.Lasts() ? backtrace(unwind_frames, kNativeFrames + kOfTheHandler) : 0;
    __atomic_store_n(&unwind_turn, 0, __ATOMIC_RELEASE);
  }
  errno = error;
}

bool HandleUnwindSignal() {
  struct sigaction now {};
  if (sigaction(kUnwindSignal, nullptr, &now) != 0) return false;
  if (now.sa_handler == OnUnwindSignal) return true;
  if (now.sa_handler != SIG_DFL) return false;
  now = {};
  now.sa_handler = OnUnwindSignal;
  now.sa_flags = SA_RESTART;
  return sigaction(kUnwindSignal, &now, nullptr) == 0;
}

}  // namespace

void UnwindNativeStacks() {
  void* frame = nullptr;
  backtrace(&frame, 1);  // loads what it needs now, not in a handler
  unwinds = true;
}

bool UnwindsNativeStacks() { return unwinds; }

void AddFrame(TextBuffer& text, const void* place, const char*& separator) {
  Dl_info info{};
  Dl_info own{};
  dladdr(reinterpret_cast<void*>(&UnwindNativeStacks), &own);
  if (dladdr(place, &info) == 0 || info.dli_fname == nullptr || info.dli_fbase == own.dli_fbase)
    return;
  char local[256];
  if (info.dli_sname == nullptr &&
      FindLocalSymbol(info.dli_fname, info.dli_fbase, place, local, sizeof(local)))
    info.dli_sname = local;
  const char* file = strrchr(info.dli_fname, '/');
  file = file == nullptr ? info.dli_fname : file + 1;
  const size_t size = strlen(file) + (info.dli_sname == nullptr ? 20 : strlen(info.dli_sname));
  if (text.left() < size + kFrameRoom) return;
  text.Add(separator).Add("\"").AddEscaped(file);
  separator = ",";
  if (info.dli_sname != nullptr)
    text.Add(" in ").AddEscaped(info.dli_sname);
  else
    text.Add("+0x").AddHex(static_cast<uint64_t>(static_cast<const char*>(place) -
                                                 static_cast<const char*>(info.dli_fbase)));
  text.Add("\"");
}

int InterruptForStack(const LoopStep& step, void** frames, uint64_t patience) {
  if (!HandleUnwindSignal()) return 0;
  unwind_step = step;
  __atomic_store_n(&unwind_turn, step.thread, __ATOMIC_RELEASE);
  if (syscall(SYS_tgkill, syscall(SYS_getpid), step.thread, kUnwindSignal) != 0) return 0;
  const uint64_t end = Now() + patience;
  while (__atomic_load_n(&unwind_turn, __ATOMIC_ACQUIRE) != 0 && Now() < end)
    SleepFor(kMillisecond);
  // One that comes later finds that it is not its turn.
  uint32_t turn = step.thread;
  if (__atomic_compare_exchange_n(&unwind_turn, &turn, 0, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE))
    return 0;
  const int count = unwind_count > kOfTheHandler ? unwind_count - kOfTheHandler : 0;
  memcpy(frames, unwind_frames + kOfTheHandler, static_cast<size_t>(count) * sizeof(void*));
  return count;
}

}  // namespace trireme
