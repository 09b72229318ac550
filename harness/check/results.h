#ifndef TRIREME_HARNESS_CHECK_RESULTS_H_
#define TRIREME_HARNESS_CHECK_RESULTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/check/suppression.h"
#include "harness/check/verdict.h"

namespace trireme {

// results.json (schema trireme.results/1, interface.md section 7) as a value. Reports are functions
// of this alone.

enum class CellState { kPass, kFail, kUnknown, kUnsupported };
std::string_view CellStateName(CellState state);

struct CellFinding {
  Finding finding;
  int64_t count = 0;  // trials that showed it
  int64_t first_trial = 0;
};

// A suppression that matched findings of a cell.
struct CellSuppression {
  std::string place;  // of one of RunResults::suppressions
  int64_t count = 0;  // trials
  std::vector<CellFinding> findings{};
};

struct TrialCounts {
  int64_t planned = 0, executed = 0, pass = 0, fail = 0, unknown = 0;
};

// Why a cell could not run, or not on: what only the engine knew.
struct Refusal {
  CellState state = CellState::kUnknown;
  std::string reason;
};

struct CellResult {
  std::string id, scenario, summary, runtime, model, interpreter;  // interpreter: "" for C++
  std::string directory;  // what relative paths of stacks begin in; "": where the run was started
  Json params = Json::object();
  Json faults = Json::array();
  Json arm;                      // null or a name
  std::string role = "subject";  // or "reference": added for comparison only
  std::string reference;         // "eventlet/3.11", "" when there is none
  Json environment = Json::object();
  Json comparison =
      Json::array();          // [{key, rule, verdict, here: {value: count}, there: {value: count}}]
  int64_t keys_compared = 0;  // also those that `comparison` leaves out for want of room
  CellState state = CellState::kUnknown;
  std::optional<Refusal> refusal;
  bool expected = false;
  std::string expectation;  // in words: "pass", "fail with lost-update", "pass or fail"
  std::string reason;       // of a state that is not pass
  std::map<std::string, int64_t> outcomes;
  TrialCounts trials;
  std::optional<double> seconds;  // of all attempts together; nothing: none ran
  std::vector<CellFinding> findings;
  std::vector<CellSuppression> suppressed;
  Json metrics = Json::object();  // name -> {unit, n, min, p50, p99, max}
  std::vector<std::string>
      notes;  // said once: "isolation: process, because importing the workload started 1 thread"
  std::string replay;
  // Of a cell with a fault plan, else null: how often each fault was applied; what their log is, and how it compares with
  // the reference's; what the program made of them.
  Json faults_applied, fault_log, under_faults;
  Json wire;  // of a cell that compares the bytes of connections, else null
};

struct RunTotals {
  int64_t cells_planned = 0, cells_executed = 0;
  int64_t pass = 0, fail = 0, unknown = 0, unsupported = 0, unexpected = 0;  // cells
  int64_t trials_planned = 0, trials_executed = 0;
};

struct RunResults {
  Json run = Json::object();  // id, seed, started, seconds, version, host, interpreters, command,
                              // directory
  std::vector<CellResult> cells;
  std::vector<std::string>
      notes;  // "patterns/client: 'took' is nondeterministic in the reference", "budget spent: 12 trials not run"
  std::vector<Suppression> suppressions;
  bool interrupted = false;
  bool infrastructure_failed = false;
  std::string infrastructure_reason;

  Verdict verdict() const;  // follows the exit code: 0 pass, 1 fail, else unknown
  int exit_code() const;    // the first of 130, 3, 1, 4, 0 that holds
  RunTotals totals() const;
  // Takes the count of each suppression from the cells.
  void CountSuppressed();

  Json ToJson() const;
  // Total: what is missing is unknown and noted. An error only for what is no results document at
  // all.
  static Result<RunResults> FromJson(const Json& json);
};

// As results.json and verdict.json hold it. The way back is total: what is missing is empty.
Json FindingToJson(const Finding& finding);
Finding FindingFromJson(const Json& json);
// For verdict.json: each with the place of its suppression as suppressed_by.
Json SuppressedToJson(const std::vector<SuppressedFinding>& suppressed);

// The published JSON schema of results.json (draft 2020-12).
Json ResultsSchema();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_RESULTS_H_
