#include "harness/probe/fault_gate.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/environment.h"
#include "harness/probe/fault_rules.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

// dlopen moved to libc in glibc 2.34; the old version of the symbol serves both.
#if defined(__x86_64__)
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlopen,dlopen@GLIBC_2.17");
#endif

namespace trireme {
namespace {

using ExternalCallback = int(const char* name, int* failnum, void** failinfo, unsigned* flags);

// Of fiu.h and fiu-control.h.
struct Fiu {
  int (*init)(unsigned flags);
  int (*fail)(const char* name);
  void* (*failinfo)();
  int (*enable_external)(const char* name, int failnum, void* failinfo, unsigned flags,
                         ExternalCallback* callback);
  int (*rc_fifo)(const char* basename);
};

Fiu fiu{};
bool gate_works = false;
bool gate_remote = false;
char gate_pipes[512] = "";  // the name that libfiu's pipes begin with; "": there are none, or it is too long
uint32_t gate_enabled = 0;  // by enum trireme_fault_call
// What the plan decided of the call that asks. Not an argument: libfiu passes none on, and what it hands back is shared by
// all threads.
thread_local bool gate_decision = false;

constexpr const char* kPoints[] = {
    "trireme/net/connect", "trireme/net/accept",    "trireme/net/recv",        "trireme/net/send",
    "trireme/io/read",     "trireme/io/write",      "trireme/io/open",         "trireme/io/fsync",
    "trireme/io/close",    "trireme/io/epoll_wait", "trireme/net/getaddrinfo", "trireme/proc/fork",
    "trireme/proc/thread", "trireme/mm/malloc",     "trireme/io/socket"};
constexpr int kPointCount = sizeof(kPoints) / sizeof(kPoints[0]);

template <typename T>
bool Find(void* library, const char* name, T* place) {
  void* symbol = dlsym(library, name);
  memcpy(place, &symbol, sizeof(symbol));
  return symbol != nullptr;
}

void RemovePipe(const char* suffix) {
  char place[sizeof(gate_pipes) + 32];
  TextBuffer name(place, sizeof(place));
  name.Add(gate_pipes).Add("-").AddNumber(syscall(SYS_getpid)).Add(suffix);
  syscall(SYS_unlinkat, AT_FDCWD, name.text(), 0);
}

bool LoadFiu() {
  void* library = dlopen("libfiu.so.0", RTLD_NOW | RTLD_LOCAL);
  return library != nullptr && Find(library, "fiu_init", &fiu.init) &&
         Find(library, "fiu_fail", &fiu.fail) && Find(library, "fiu_failinfo", &fiu.failinfo) &&
         Find(library, "fiu_enable_external", &fiu.enable_external) &&
         Find(library, "fiu_rc_fifo", &fiu.rc_fifo) && fiu.init(0) == 0;
}

int AsPlanned(const char*, int*, void**, unsigned*) { return gate_decision ? 1 : 0; }

void Warn(const char* text) {
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .task = CurrentTask(),
          .key = {"faults", 6},
          .value = {text, strlen(text)}});
}

}  // namespace

void OpenGate() {
  const trireme_plan* plan = ActivePlan();
  const char* fifo = FindInEnvironment("FIU_CTRL_FIFO");
  const bool remote = fifo != nullptr && *fifo != '\0';
  gate_works = gate_remote = false;
  if (plan == nullptr || (plan->rules == 0 && !remote)) return;
  const int error = errno;
  gate_works = LoadFiu();
  if (!gate_works) {
    Warn("libfiu is not installed: the plan alone decides on faults, and fiu-ctrl cannot");
    errno = error;
    return;
  }
  // Once each in a process: libfiu keeps a copy of the name every time.
  const uint32_t wanted = plan->calls & ~gate_enabled;
  for (int call = 0; call < kPointCount; ++call)
    if ((wanted >> call & 1) != 0) fiu.enable_external(kPoints[call], 1, nullptr, 0, AsPlanned);
  gate_enabled |= wanted;
  gate_remote = remote && fiu.rc_fifo(fifo) == 0;
  if (gate_remote && strlen(fifo) < sizeof(gate_pipes)) strcpy(gate_pipes, fifo);
  if (remote && !gate_remote) Warn("libfiu cannot make the pipes that FIU_CTRL_FIFO names");
  errno = error;
}

void ShutGateInChild() {
  const bool was_remote = gate_remote;
  gate_works = gate_remote = false;
  // Where nobody drives points from outside it decides what the plan does.
  if (!was_remote) return;
  Warn("a forked process does not ask libfiu: the plan alone decides on its faults");
}

void RemoveGatePipes() {
  if (!gate_remote || gate_pipes[0] == '\0') return;
  RemovePipe(".in");
  RemovePipe(".out");
}

bool GateLets(trireme_fault_call call) {
  if (!gate_works) return true;
  gate_decision = true;
  const bool lets = fiu.fail(kPoints[call]) != 0;
  gate_decision = false;
  return lets;
}

int GateWants(trireme_fault_call call) {
  if (!gate_remote || fiu.fail(kPoints[call]) == 0) return 0;
  const auto wanted = static_cast<int>(reinterpret_cast<intptr_t>(fiu.failinfo()));
  return wanted != 0 ? wanted : EIO;
}

}  // namespace trireme
