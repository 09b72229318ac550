// vfork(2) comes back twice in the frame that calls it, so that none of ours may be there when it does: what is decided before
// it is decided in a function of its own, and the C library's is then entered by a jump, with the caller's stack as it was.
#include <errno.h>
#include <unistd.h>

#include "harness/probe/faulty_calls.h"
#include "harness/probe/next.h"
#include "harness/probe/process_path.h"

// Where to jump; null: it fails with errno. Called by the assembly below.
extern "C" __attribute__((visibility("hidden"), used)) void* trireme_begin_vfork() {
  static trireme::Next<pid_t()> next("vfork");
  int error = 0;
  if (trireme::ActivePlan() != nullptr && trireme::CallFails(TRIREME_CALL_FORK, &error)) {
    errno = error;
    return nullptr;
  }
  trireme::NumberNextProcess();
  return reinterpret_cast<void*>(next.get());
}

// Elsewhere a plan's faults do not reach it.
#if defined(__x86_64__)
__asm__(R"(
        .text
        .globl vfork
        .type vfork, @function
vfork:
        .cfi_startproc
        endbr64
        subq $8, %rsp
        .cfi_adjust_cfa_offset 8
        call trireme_begin_vfork
        addq $8, %rsp
        .cfi_adjust_cfa_offset -8
        testq %rax, %rax
        je 1f
        jmpq *%rax
1:      movl $-1, %eax
        ret
        .cfi_endproc
        .size vfork, .-vfork
)");
#elif defined(__aarch64__)
__asm__(R"(
        .text
        .globl vfork
        .type vfork, %function
vfork:
        .cfi_startproc
        hint #34
        stp x29, x30, [sp, #-16]!
        .cfi_adjust_cfa_offset 16
        bl trireme_begin_vfork
        ldp x29, x30, [sp], #16
        .cfi_adjust_cfa_offset -16
        cbz x0, 1f
        mov x16, x0
        br x16
1:      mov w0, #-1
        ret
        .cfi_endproc
        .size vfork, .-vfork
)");
#endif
