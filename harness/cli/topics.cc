#include "harness/cli/topics.h"

#include <algorithm>
#include <array>

#include "harness/check/checker.h"
#include "harness/check/finding_kinds.h"
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
  static const auto& topics = *new std::vector<Topic>([] {
    std::vector<Topic> all;
    for (const FindingKind& kind : ExplainedFindingKinds())
      all.push_back({"finding kind", std::string(kind.name), std::string(kind.text)});
    return all;
  }());
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
