#include "harness/check/finding_kinds.h"

#include <array>

namespace trireme {
namespace {

// The names are those of interface.md section 7.
constexpr std::array kExplained = std::to_array<FindingKind>({
    {"difference", false,
     "an observation, an outcome or an exception's family that no reference trial with the "
     "same inputs showed: the same code, given the same inputs, gave other outputs. The "
     "comparison lists the key with the counts here and in the reference. Read both values "
     "first; then see whether the workload relies on an order or an atomicity that only the "
     "reference gives."},
    {"hang", false,
     "at the trial's timeout no operation, observation, task or byte had moved for a quarter "
     "of it, and no task had come back from a sleep. stacks.txt in the trial's folder has "
     "the stack of every thread and, where they could be had, of every task. A trial that "
     "still progressed is not a hang but unknown (too slow), and so is one that asks and "
     "sleeps for ever: raise its timeout, or give the wait an rt.timeout()."},
    {"crash", false,
     "the trial's process died by a signal, aborted, left early (os._exit) or broke the "
     "runner protocol. Its standard error is in the trial's folder."},
    {"unhandled-exception", false,
     "an exception ended a task and nobody joined that task; each runtime puts it elsewhere "
     "(the hub's standard error, threading.excepthook, the loop's exception handler, "
     "std::terminate), here it is one kind, and so is what Python ignores in a finaliser "
     "(sys.unraisablehook) and what a future of asyncio or concurrent.futures holds that "
     "nobody ever asked."},
    {"leak", false,
     "tasks, threads, file descriptors or child processes outlived the workload by more than "
     "the grace of 500 ms. {leak: {allow: [...]}} allows named ones."},
    {"overlap", false,
     "two operations that may never be open at once ({overlap: {ops: [...]}}) were. "
     "Operations that only touch do not overlap."},
    {"lost-update", false,
     "the final total is less than the acknowledged increments: two tasks read the same "
     "value and both wrote. Guard the read and the write with one lock."},
    {"deadline", false,
     "an operation took longer than {deadline: {within: ...}} allows, or never ended."},
    {"mixed-arm", false,
     "a command did not run on what its arm says, so its trial is unknown: a test ran on a "
     "hub, or the standard library was patched, in an arm that should have neither; or an "
     "arm of Eventlet was not patched, or ran on another hub than its own. The finding names "
     "the tests, and who imported eventlet."},
    {"nondeterministic", true,
     "advisory: a key differs between two halves of the reference's own trials, so it is "
     "compared only by an explicit rule under compare."},
    {"multiple-readers", false,
     "a task read, or waited to read, a socket, pipe or eventfd for which another waited "
     "already: which of them gets the data differs between runtimes. A duplicated descriptor "
     "is the same socket. Let one task read and feed the others by a queue. "
     "scenarios/hazards shows it."},
    {"multiple-writers", false,
     "a task wrote to a socket or pipe for which another waited already to write the rest of "
     "its record: their bytes may mix. Let one task write, fed by a queue, or hold one lock "
     "over each whole record."},
    {"shared-token", true,
     "advisory: tasks take the same byte from a pipe, or count from an eventfd, as a lock. "
     "Who gets it does not matter, but Eventlet's asyncio hub never wakes the second, so "
     "there it fails."},
    {"shared-listener", true,
     "advisory: several tasks or processes accept from one listening socket. Each connection "
     "goes whole to one of them; {multiple-readers: {listeners: true}} makes it fail."},
    {"blocked-loop", false,
     "a call held the only thread of a green or async runtime, and no other task ran "
     "meanwhile. Await it, or give it to offload."},
    {"not-linearizable", false,
     "no order of the operations, each between its invocation and its end, explains their "
     "results. Look for an operation that saw half of another, and make each one atomic."},
    {"lock-order", false,
     "tasks take the same locks in different orders, so they can wait for each other for "
     "ever. Take them in one order everywhere."},
    {"deadlock", false,
     "tasks wait for each other in a circle, for what a task holds that has ended, or for "
     "what nobody is left to give. The message says who holds and who waits for what: break "
     "the circle with one order, or release before waiting."},
    {"starvation", false,
     "a task waited far longer than its peers while they were served again and again. Use a "
     "fair lock or queue, or do less while holding it."},
    {"data-race", false,
     "two threads touched the same memory without an order between them, and one wrote. "
     "Guard it with a lock or make it atomic: preemption may come anywhere."},
    {"slower", false,
     "a measured time or rate is worse than the reference's by more than chance explains. "
     "Compare the cells' metrics, then see what the runtime spends there."},
    {"gil-enabled", false,
     "a free-threaded Python ran with the GIL after all, so nothing ran in parallel. An "
     "extension module without support for it turns the GIL on when imported: upgrade or "
     "remove it."},
    {"unbounded-growth", false,
     "memory, tasks or a queue kept growing while the load stayed the same. Bound the pool "
     "or queue, so that whoever submits waits."},
    {"hub-spin", false,
     "the hub or loop kept waking without work, and used a core while every task waited. "
     "Look for a descriptor that is ready but read by nobody, or a timer that is always due."},
    {"effect", false,
     "something changed that an operation said it had not, or the other way round: a failed "
     "operation that had an effect, or a successful one without. Make it all or nothing, or "
     "report it as info."},
    {"invariant", false,
     "what always holds did not, under the faults of a plan: an acknowledged operation was "
     "lost, or done twice ({invariant: {ops: [...], final: KEY}} compares them with an "
     "observation); an end of a connection read what the other end did not write; a task "
     "outlived the workload; or nothing happened any more after the last fault was over. The "
     "message names the operation, the byte, the task or the fault; the cell's replay line "
     "brings the same faults back. Find the step that a fault leaves half done: a retry "
     "without a key that makes it safe to repeat, a reply that is read after its request was "
     "given up, a lock or a slot that an error path does not give back."},
    {"potential", true,
     "advisory: nothing went wrong in this trial, but in another order it could have. Two "
     "tasks read one stream, and nothing in the history orders the two reads: another time "
     "they may meet, which is multiple-readers. Hand the stream on by a queue, a lock or a "
     "join."},
});

}  // namespace

std::span<const FindingKind> ExplainedFindingKinds() { return kExplained; }

std::string_view FindingKind::summary() const {
  const size_t stop = text.find(". ");
  return stop == std::string_view::npos ? text : text.substr(0, stop + 1);
}

}  // namespace trireme
