#ifndef TRIREME_HARNESS_CHECK_VERDICT_H_
#define TRIREME_HARNESS_CHECK_VERDICT_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// Ordered: the heaviest of several stands.
enum class Verdict { kPass = 0, kUnknown = 1, kFail = 2 };

std::string_view VerdictName(Verdict verdict);  // pass, unknown, fail
Verdict Heavier(Verdict a, Verdict b);

// One task or thread in a finding.
struct Participant {
  std::string task;  // its name, else its spawn path; "" for a thread that runs none
  int64_t thread = 0;
  std::vector<std::string> stack;  // "workload.py:12 in reader", innermost last
};

// "reader", "thread 4711": for people.
std::string NameOf(const Participant& participant);

// One thing that a check reports.
struct Finding {
  std::string check;
  std::string kind;       // interface.md section 7
  std::string message;    // one sentence, lower case, no full stop
  std::string signature;  // see Signature()
  bool advisory = false;  // shown, never fails a cell
  std::vector<Participant> participants;
  Json evidence = Json::object();
};

// The same bug has the same signature across seeds, runtimes, machines and shifted lines: made from
// the kind, the resource or invariant, and the functions (never lines, addresses or runtime
// internals) of each participant, sorted.
std::string Signature(const std::string& kind, const std::string& subject,
                      const std::vector<Participant>& participants);

// A finding that is known and left alone, with the place of the suppression that says so.
struct SuppressedFinding {
  Finding finding;
  std::string place;
};

// What one check says of one trial, or of a cell.
struct CheckResult {
  Verdict verdict = Verdict::kPass;
  std::string reason;  // of a verdict that is not pass; one sentence
  std::vector<Finding> findings;
  std::set<std::string>
      outcomes;  // classes of what the trial did, beside those that the workload named
  bool not_exercised = false;  // unknown only because the trial did nothing that the check is about
  std::vector<SuppressedFinding> suppressed{};
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_VERDICT_H_
