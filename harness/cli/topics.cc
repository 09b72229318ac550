#include "harness/cli/topics.h"

#include <algorithm>
#include <array>

#include "harness/check/checker.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/vocabulary.h"
#include "harness/protocol/runtimes.h"
#include "harness/scan/hack_kinds.h"
#include "reports/report.h"

namespace trireme {
namespace {

void AddAll(std::vector<Topic>& topics, std::span<const Topic> more) {
  topics.insert(topics.end(), more.begin(), more.end());
}

// A kind that no check of this build reports says so.
void AddFindingKinds(std::vector<Topic>& topics) {
  const std::vector<std::string> reported = FindingKinds();
  for (Topic topic : FindingKindTopics()) {
    if (std::find(reported.begin(), reported.end(), topic.name) == reported.end())
      topic.text += " The check that reports it is not available yet.";
    topics.push_back(std::move(topic));
  }
}

// Words that scenarios will know; those that already name a finding kind are explained as that.
void AddLater(std::vector<Topic>& topics, const std::string& group,
              const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto is_known = [&](const Topic& topic) { return topic.name == name; };
    if (std::none_of(topics.begin(), topics.end(), is_known))
      topics.push_back({group, name, "not available yet"});
  }
}

void AddExitCodes(std::vector<Topic>& topics) {
  for (const ExitCodeMeaning& code : kExitCodes)
    topics.push_back({"exit code", std::to_string(code.code), std::string(code.meaning)});
}

void AddRuntimes(std::vector<Topic>& topics) {
  for (const RuntimeInfo& runtime : Runtimes())
    topics.push_back({"runtime", std::string(runtime.name),
                      std::string(runtime.model) + ", " +
                          (runtime.language == "cpp" ? "C++" : "Python") + ": " +
                          std::string(runtime.summary)});
}

void AddChecks(std::vector<Topic>& topics) {
  for (const CheckDescription& check : DescribeChecks())
    topics.push_back({"check", check.name, check.summary});
}

void AddFormats(std::vector<Topic>& topics) {
  for (const ReportFormat& format : ReportFormats())
    if (format.write != nullptr)
      topics.push_back({"format", std::string(format.name), std::string(format.summary)});
}

// What `scan --hacks` finds; what has the name of a finding of `run` is explained there.
void AddHackKinds(std::vector<Topic>& topics) {
  for (const HackKind& kind : HackKinds()) {
    const std::string name(kind.name);
    if (std::any_of(topics.begin(), topics.end(),
                    [&](const Topic& topic) { return topic.name == name; }))
      continue;
    topics.push_back({"kind of scan --hacks", name,
                      std::string(kind.summary) + ": " + std::string(kind.risk) + ". scenarios/" +
                          std::string(kind.scenario) + " shows it."});
  }
}

}  // namespace

std::span<const Topic> Glossary() {
  static const auto& topics = *new std::array<Topic, 27>{{
      {"word", "scenario",
       "a definition: workload, parameters, faults, checks, expected outcomes; one folder with a "
       "scenario.yaml"},
      {"word", "workload",
       "the code a scenario drives, written once against the runtime API: workload.py, "
       "workload.cc, or both"},
      {"word", "model", "green, native or async"},
      {"word", "runtime",
       "one way to execute a workload, of one model; 'trireme list runtimes' names them"},
      {"word", "interpreter",
       "the Python that hosts a Python runtime, with the packages around it"},
      {"word", "runner", "the process that hosts a runtime and speaks the runner protocol"},
      {"word", "zygote", "a runner that has loaded its workload and forks one process a trial"},
      {"word", "cell",
       "scenario x params x runtime x interpreter name x fault plan x arm; has a stable, readable "
       "id"},
      {"word", "arm", "a version of the code under test that the same plan runs on"},
      {"word", "fault plan",
       "the faults that a cell suffers, at the same bytes under every runtime; 'trireme list "
       "faults' "
       "names those that ship"},
      {"word", "role",
       "one of several processes of a scenario, each with its own runtime; in results also subject "
       "or reference"},
      {"word", "point",
       "a place where a task may wait: every await or blocking call of the runtime API, numbered "
       "by task path and ordinal"},
      {"word", "trial", "one execution of a cell with one seed"},
      {"word", "history",
       "the ordered record of a trial: operations, observations, tasks, waits, and how it ended"},
      {"word", "operation",
       "something a workload does between its invocation and its end: ok, fail, info, or left "
       "open"},
      {"word", "observation",
       "a key and a value that a workload recorded as its output; what equivalence compares"},
      {"word", "check",
       "a pure function from a history (and the other trials of its scenario) to a verdict with "
       "findings"},
      {"word", "finding",
       "one thing that a check reports: kind, signature, participants (task and stack), evidence"},
      {"word", "signature",
       "names a bug: the same across seeds, runtimes, machines and shifted lines"},
      {"word", "outcome", "the class of what a trial did where runtimes legitimately differ"},
      {"word", "reference",
       "the runtime that others are compared with (default eventlet when present, else thread)"},
      {"word", "run",
       "one invocation: a run directory with the plan, every trial's files and the results"},
      {"word", "expectation",
       "what scenario.yaml's expect says a cell does; a cell that does otherwise is unexpected, a "
       "pass too"},
      {"word", "seed",
       "the number that all of a run's chances come from: inputs, random numbers, order; --seed "
       "sets it, and results.json keeps it"},
      {"word", "replay",
       "the command line that runs one cell's trial again with its seed; results.json has it for "
       "each cell"},
      {"word", "rate",
       "the share of failing trials that expect allows, 0.02..1; a share outside it that is too "
       "small a sample to rule it out is unknown"},
      {"word", "settle",
       "waiting until every other task waits; what a workload calls instead of sleeping a while"},
  }};
  return topics;
}

std::span<const Topic> FindingKindTopics() {
  static const auto& topics = *new std::array<Topic, 27>{{
      {"finding kind", "difference",
       "an observation, an outcome or an exception's family that no reference trial with the same "
       "inputs showed: the same code, given the same inputs, gave other outputs. The comparison "
       "lists the key with the counts here and in the reference. Read both values first; then see "
       "whether the workload relies on an order or an atomicity that only the reference gives."},
      {"finding kind", "hang",
       "at the trial's timeout no operation, observation, task or byte had moved for a quarter of "
       "it, and no task had come back from a sleep. stacks.txt in the trial's folder has the stack "
       "of every thread and, where they could be had, of every task. A trial that still progressed "
       "is not a hang but unknown (too slow), and so is one that asks and sleeps for ever: raise "
       "its timeout, or give the wait an rt.timeout()."},
      {"finding kind", "crash",
       "the trial's process died by a signal, aborted, left early (os._exit) or broke the runner "
       "protocol. Its standard error is in the trial's folder."},
      {"finding kind", "unhandled-exception",
       "an exception ended a task and nobody joined that task; each runtime puts it elsewhere (the "
       "hub's standard error, threading.excepthook, the loop's exception handler, std::terminate), "
       "here it is one kind, and so is what Python ignores in a finaliser (sys.unraisablehook) and "
       "what a future of asyncio or concurrent.futures holds that nobody ever asked."},
      {"finding kind", "leak",
       "tasks, threads, file descriptors or child processes outlived the workload by more than the "
       "grace of 500 ms. {leak: {allow: [...]}} allows named ones."},
      {"finding kind", "overlap",
       "two operations that may never be open at once ({overlap: {ops: [...]}}) were. Operations "
       "that only touch do not overlap."},
      {"finding kind", "lost-update",
       "the final total is less than the acknowledged increments: two tasks read the same value "
       "and both wrote. Guard the read and the write with one lock."},
      {"finding kind", "deadline",
       "an operation took longer than {deadline: {within: ...}} allows, or never ended."},
      {"finding kind", "mixed-arm",
       "a command did not run on what its arm says, so its trial is unknown: a test ran on a hub, "
       "or the standard library was patched, in an arm that should have neither; or an arm of "
       "Eventlet was not patched, or ran on another hub than its own. The finding names the tests, "
       "and who imported eventlet."},
      {"finding kind", "nondeterministic",
       "advisory: a key differs between two halves of the reference's own trials, so it is "
       "compared only by an explicit rule under compare."},
      {"finding kind", "multiple-readers",
       "a task read, or waited to read, a socket, pipe or eventfd for which another waited "
       "already: "
       "which of them gets the data differs between runtimes. A duplicated descriptor is the same "
       "socket. Let one task read and feed the others by a queue. scenarios/hazards shows it."},
      {"finding kind", "multiple-writers",
       "a task wrote to a socket or pipe for which another waited already to write the rest of its "
       "record: their bytes may mix. Let one task write, fed by a queue, or hold one lock over "
       "each "
       "whole record."},
      {"finding kind", "shared-token",
       "advisory: tasks take the same byte from a pipe, or count from an eventfd, as a lock. Who "
       "gets "
       "it does not matter, but Eventlet's asyncio hub never wakes the second, so there it fails."},
      {"finding kind", "shared-listener",
       "advisory: several tasks or processes accept from one listening socket. Each connection "
       "goes "
       "whole to one of them; {multiple-readers: {listeners: true}} makes it fail."},
      {"finding kind", "blocked-loop",
       "a call held the only thread of a green or async runtime, and no other task ran meanwhile. "
       "Await it, or give it to offload."},
      {"finding kind", "not-linearizable",
       "no order of the operations, each between its invocation and its end, explains their "
       "results. Look for an operation that saw half of another, and make each one atomic."},
      {"finding kind", "lock-order",
       "tasks take the same locks in different orders, so they can wait for each other for ever. "
       "Take them in one order everywhere."},
      {"finding kind", "deadlock",
       "tasks wait for each other in a circle, for what a task holds that has ended, or for what "
       "nobody is left to give. The message says who holds and who waits for what: break the "
       "circle "
       "with one order, or release before waiting."},
      {"finding kind", "starvation",
       "a task waited far longer than its peers while they were served again and again. Use a fair "
       "lock or queue, or do less while holding it."},
      {"finding kind", "data-race",
       "two threads touched the same memory without an order between them, and one wrote. Guard it "
       "with a lock or make it atomic: preemption may come anywhere."},
      {"finding kind", "slower",
       "a measured time or rate is worse than the reference's by more than chance explains. "
       "Compare the cells' metrics, then see what the runtime spends there."},
      {"finding kind", "gil-enabled",
       "a free-threaded Python ran with the GIL after all, so nothing ran in parallel. An "
       "extension module without support for it turns the GIL on when imported: upgrade or remove "
       "it."},
      {"finding kind", "unbounded-growth",
       "memory, tasks or a queue kept growing while the load stayed the same. Bound the pool or "
       "queue, so that whoever submits waits."},
      {"finding kind", "hub-spin",
       "the hub or loop kept waking without work, and used a core while every task waited. Look "
       "for a descriptor that is ready but read by nobody, or a timer that is always due."},
      {"finding kind", "effect",
       "something changed that an operation said it had not, or the other way round: a failed "
       "operation that had an effect, or a successful one without. Make it all or nothing, or "
       "report it as info."},
      {"finding kind", "invariant",
       "what always holds did not, under the faults of a plan: an acknowledged operation was lost, "
       "or "
       "done twice ({invariant: {ops: [...], final: KEY}} compares them with an observation); an "
       "end "
       "of a connection read what the other end did not write; a task outlived the workload; or "
       "nothing happened any more after the last fault was over. The message names the operation, "
       "the byte, the task or the fault; the cell's replay line brings the same faults back. Find "
       "the step that a fault leaves half done: a retry without a key that makes it safe to "
       "repeat, "
       "a reply that is read after its request was given up, a lock or a slot that an error path "
       "does not give back."},
      {"finding kind", "potential",
       "advisory: nothing went wrong in this trial, but in another order it could have. Two tasks "
       "read one stream, and nothing in the history orders the two reads: another time they may "
       "meet, which is multiple-readers. Hand the stream on by a queue, a lock or a join."},
  }};
  return topics;
}

std::span<const Topic> VerdictTopics() {
  static const auto& topics = *new std::array<Topic, 4>{{
      {"verdict", "pass",
       "every check decided, and none objected. A trial that recorded nothing never passes."},
      {"verdict", "fail",
       "a check has a finding that is not advisory; the finding names what it saw. A failing cell "
       "that was expected to fail is an x in the matrix, a surprise an X."},
      {"verdict", "unknown",
       "something could not be decided: a history was cut short, too few trials, a check exercised "
       "nothing, no reference. Never counted as a pass, never expected."},
      {"verdict", "unsupported",
       "a state of a cell, not a verdict: this runtime cannot do what the workload asks (with the "
       "reason), or what it needs is not on this machine. Never blank, never a pass."},
  }};
  return topics;
}

std::span<const Topic> ExceptionFamilies() {
  static const auto& topics = *new std::array<Topic, 10>{{
      {"exception family", "timeout",
       "trireme.TimeoutExpired, TimeoutError, socket.timeout, eventlet.Timeout; C++ "
       "TimeoutExpired; ETIMEDOUT"},
      {"exception family", "cancelled",
       "trireme.Cancelled, asyncio.CancelledError, greenlet.GreenletExit; C++ Cancelled"},
      {"exception family", "reset",
       "ConnectionResetError, ConnectionAbortedError; C++ IoError ECONNRESET, ECONNABORTED"},
      {"exception family", "refused", "ConnectionRefusedError; C++ IoError ECONNREFUSED"},
      {"exception family", "end-of-stream",
       "EOFError, asyncio.IncompleteReadError, http.client.IncompleteRead; C++ EndOfStream"},
      {"exception family", "broken-pipe", "BrokenPipeError; C++ IoError EPIPE"},
      {"exception family", "address-in-use", "OSError EADDRINUSE; C++ IoError EADDRINUSE"},
      {"exception family", "resource",
       "MemoryError, OSError EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN of a fork or thread start; "
       "C++ std::bad_alloc"},
      {"exception family", "value",
       "ValueError, TypeError, KeyError, IndexError and other misuse; C++ std::logic_error"},
      {"exception family", "other", "everything else; compared with its errno where it has one"},
  }};
  return topics;
}

std::vector<Topic> AllTopics() {
  std::vector<Topic> topics;
  AddFindingKinds(topics);
  AddAll(topics, VerdictTopics());
  AddExitCodes(topics);
  AddRuntimes(topics);
  AddChecks(topics);
  AddFormats(topics);
  AddHackKinds(topics);
  AddAll(topics, Glossary());
  AddAll(topics, ExceptionFamilies());
  const Vocabulary vocabulary = MakeVocabulary();
  AddLater(topics, "check", vocabulary.later_checks);
  AddLater(topics, "runtime", vocabulary.later_runtimes);
  return topics;
}

}  // namespace trireme
