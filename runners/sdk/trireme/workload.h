// All that a workload includes. It is compiled by itself and loaded by trireme-runner, which has
// the runtimes; no library but the standard one is seen here: it compiles in less than a second.
//
// Traps of g++ 12, none of which clang has: CXX=clang++ avoids them all.
// - In an expression that is awaited, a lambda that captures by value, or an aggregate, has its
//   members destroyed twice when they are not trivial (GCC bug 99576). So name such a thing first:
//   `auto handler = [name](Request r) {...}; co_await rt.HttpServer(handler);`. Calls that take a
//   function refuse to compile otherwise; nothing refuses `co_await rt.Spawn([name] {...}).Join()`,
//   `co_await queue.Put(Item{name})`, or `a ? co_await b : c` of a type with a destructor.
// - Before 12.3, a coroutine that awaits in the condition of an if, switch, while or do, and has no
//   local variable at all, never goes on from there (GCC bug 106188): `Task<> Drain(Stream s) {
//   while (!(co_await s.Recv(1)).empty()) {} }`. The task ends with a std::logic_error that says so,
//   where the code that came out does not crash first. `for (;;) { const std::string got = co_await
//   s.Recv(1); if (got.empty()) break; }` is right everywhere.
// - A braced list of initializers does not compile there.
#ifndef TRIREME_WORKLOAD_WORKLOAD_H_
#define TRIREME_WORKLOAD_WORKLOAD_H_

#include <cstddef>
#include <new>

#include "trireme/runtime.h"

namespace trireme {

namespace internal {
// Memory for the workload's own code; throws std::bad_alloc where a fault plan says so. In the runner.
void* Allocate(std::size_t size);
}  // namespace internal

// Raised whenever an object compiled before would misbehave.
inline constexpr int kWorkloadAbi = 1;

struct WorkloadEntry {
  int abi;
  Task<> (*main)(Runtime& rt, const Params& params);
};

}  // namespace trireme

// Names the coroutine that a trial runs: Task<> Main(Runtime& rt, const Params& params). What the workload allocates may
// fail by a fault plan, and what the runner does may not: so the operators are the workload's own, and it is linked with
// -Bsymbolic-functions, without which they are never called.
#define TRIREME_WORKLOAD(Main)                                                         \
  extern "C" __attribute__((visibility("default"))) const ::trireme::WorkloadEntry*    \
  trireme_workload() {                                                                 \
    static constexpr ::trireme::WorkloadEntry kEntry{::trireme::kWorkloadAbi, &Main};  \
    return &kEntry;                                                                    \
  }                                                                                    \
  void* operator new(std::size_t size) { return ::trireme::internal::Allocate(size); } \
  void* operator new[](std::size_t size) { return ::trireme::internal::Allocate(size); }

#endif  // TRIREME_WORKLOAD_WORKLOAD_H_
