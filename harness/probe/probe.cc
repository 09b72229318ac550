// The preloaded probe: what sits inside the process under test.
//
// Its law, since whatever it does wrong looks like a bug of somebody else's program:
//  1. No header of ours but probe_abi.h and this folder's own; no C++ library at run time, only
//  libc and libdl, in
//     versions as old as glibc 2.28 (a test reads the NEEDED entries and the symbol versions).
//  2. Preloading alone changes nothing: no descriptor, thread, signal handler, allocation or
//  output. The file named by
//     TRIREME_HISTORY is opened when there is a first event, before a process is started, before root becomes another user,
//     before a limit of the size of files is set, or at once where TRIREME_WATCH is set.
//  3. Recording allocates nothing, waits for nobody, prints nothing, leaves errno alone, and may
//  run anywhere: in a
//     signal handler that interrupts a recording, in a forked child, in a thread that is ending.
//  4. What cannot be recorded is counted in the file; never dropped in silence, never a signal to
//  the program.
//  5. Never sanitized, hidden visibility, no exceptions, no RTTI; callers state the ABI that they
//  know.
#include <pthread.h>
#include <unistd.h>

#include "harness/probe/environment.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/interpose_memory.h"
#include "harness/probe/loops.h"
#include "harness/probe/native_stack.h"
#include "harness/probe/points.h"
#include "harness/probe/postponed.h"
#include "harness/probe/probe_abi.h"
#include "harness/probe/process_path.h"
#include "harness/probe/recorder.h"
#include "harness/probe/waits.h"

namespace trireme {
namespace {

void RecordFor(uint32_t task, uint16_t kind, uint64_t id, const char* key, uint32_t key_size,
               uint16_t type, const void* value, uint32_t value_size) {
  Record({.kind = kind,
          .type = type,
          .task = task,
          .id = id,
          .key = {key, key_size},
          .value = {value, value_size}});
}

// Flat, as Record() is: what a workload records passes through here, and an operation should cost it 100 ns.
[[gnu::flatten]] void RecordHere(uint16_t kind, uint64_t id, const char* key, uint32_t key_size,
                                 uint16_t type, const void* value, uint32_t value_size) {
  RecordFor(CurrentTask(), kind, id, key, key_size, type, value, value_size);
}

void WaitFor(int fd, int direction) {
  WaitWithoutCall(fd, direction == 0 ? kRead : kWrite, TRIREME_CALLER);
}

void LoopWaits(int waits) { NoteLoopWaits(waits != 0); }

int AttachedAsInt() { return Attached() ? 1 : 0; }

int CallFailsByPlan(int call) {
  int error = 0;
  const bool known = call >= 0 && call <= TRIREME_CALL_SOCKET;
  return known && ActivePlan() != nullptr &&
                 CallFails(static_cast<trireme_fault_call>(call), &error)
             ? error
             : 0;
}

constexpr trireme_probe_api kApi = {
    .version = TRIREME_PROBE_ABI,
    .size = sizeof(trireme_probe_api),
    .attach = Attach,
    .record = RecordHere,
    .record_for = RecordFor,
    .new_task = NewTask,
    .new_operation = NewOperation,
    .current_task = CurrentTask,
    .set_task = SetTask,
    .attached = AttachedAsInt,
    .plan = Plan,
    .now = Now,
    .wait_for = WaitFor,
    .unwind = UnwindNativeStacks,
    .loop_waits = LoopWaits,
    .point = ComeToPoint,
    .call_fails = CallFailsByPlan,
    .set_stack_source = SetTaskStackSource,
    .serve = ServeTask,
};

__attribute__((constructor)) void Load() {
  FindMemoryCalls();
  ProcessId();  // now: a child by vfork would leave its own to its parent
  AttachLater(FindInEnvironment("TRIREME_HISTORY"));
  pthread_atfork(NumberNextProcess, nullptr, ContinueInChild);
  // Who watches a program wants to know that the probe is in it, whatever it does.
  if (FindInEnvironment("TRIREME_WATCH") != nullptr) {
    SetWatched();
    Attached();
  }
}

__attribute__((destructor)) void Unload() { SendAllPostponed(); }

}  // namespace
}  // namespace trireme

extern "C" __attribute__((visibility("default"))) const trireme_probe_api* trireme_probe(
    uint32_t version) {
  return version == TRIREME_PROBE_ABI ? &trireme::kApi : nullptr;
}
