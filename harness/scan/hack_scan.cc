#include "harness/scan/hack_scan.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

// The interpreter starts in a fraction of this, and parses the largest file that it takes in ten
// seconds.
constexpr int64_t kTimeout = 60 * kNanosecondsPerSecond;
constexpr int64_t kTimeoutOfFile = 20 * kNanosecondsPerSecond;
// An interpreter that dies of more files than this is broken itself.
constexpr size_t kMaxDeaths = 20;

// What one process of the interpreter said: an answer, or the file that it did not survive.
struct Attempt {
  std::optional<Json> answer;
  std::optional<size_t> fatal;
  std::string problem;
};

std::string HowItEnded(const CommandOutcome& outcome) {
  if (outcome.timed_out) return "does not end";
  const std::string said(Trim(outcome.err));
  return "ends with status " + std::to_string(outcome.exit_code) +
         (said.empty() ? "" : ": " + said.substr(said.rfind('\n') + 1));
}

Attempt Understand(const CommandOutcome& outcome, size_t count) {
  const std::vector<std::string> lines = Split(Trim(outcome.out), '\n');
  const std::string last = lines.empty() ? "" : lines.back();
  if (outcome.exit_code == 0 && !outcome.timed_out) {
    Result<Json> answer = ParseJson(last, "the answer");
    if (answer.ok() && answer->is_object()) return {.answer = *std::move(answer)};
  }
  Attempt attempt{.problem = HowItEnded(outcome)};
  const std::optional<uint64_t> ordinal = ParseUnsigned(last);
  if (ordinal && *ordinal < count) attempt.fatal = static_cast<size_t>(*ordinal);
  return attempt;
}

Result<Attempt> Try(const std::string& interpreter, const std::string& agent,
                    const std::vector<std::string>& files) {
  TRIREME_ASSIGN_OR_RETURN(const std::unique_ptr<TemporaryDirectory> folder,
                           TemporaryDirectory::Make());
  const std::string list = JoinPath(folder->path(), "paths");
  std::string paths;
  for (const std::string& file : files) paths.append(file).push_back('\0');
  TRIREME_RETURN_IF_ERROR(WriteFile(list, paths));
  // Nothing of the user's environment may take the place of the standard library.
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome outcome,
      RunCommand({interpreter, "-E", "-S", "-s", "-B", JoinPath(agent, "trireme_agent/__main__.py"),
                  "hacks", list},
                 {.timeout = kTimeout + static_cast<int64_t>(files.size()) * kTimeoutOfFile}));
  return Understand(outcome, files.size());
}

int At(const Json& object, const char* key) { return static_cast<int>(GetInt(object, key, 1)); }

void AddAnswer(const Json& answer, const std::vector<std::string>& files, HackScan& scan) {
  const auto file_of = [&](const Json& each) {
    const auto ordinal = static_cast<size_t>(GetInt(each, "file"));
    return ordinal < files.size() ? files[ordinal] : std::string();
  };
  for (const Json& each : GetMember(answer, "findings")) {
    const HackKind* kind = FindHackKind(GetString(each, "kind"));
    TRIREME_CHECK(kind != nullptr);
    scan.findings.push_back({.file = file_of(each),
                             .line = At(each, "line"),
                             .column = At(each, "column"),
                             .end_line = At(each, "end_line"),
                             .end_column = At(each, "end_column"),
                             .kind = kind,
                             .symbol = GetString(each, "subject")});
  }
  for (const Json& each : GetMember(answer, "unscanned"))
    scan.unscanned.push_back(
        {file_of(each), At(each, "line"), At(each, "column"), GetString(each, "reason")});
}

template <typename Placed>
void SortByPlace(std::vector<Placed>& all) {
  std::stable_sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
}

}  // namespace

std::string Hack::Message() const {
  const std::string joint = kind->risk.starts_with("so ") ? ", " : " ";
  return symbol + joint + std::string(kind->risk);
}

Result<HackScan> ScanHacks(const std::string& interpreter, const std::string& agent,
                           const PythonFiles& files) {
  HackScan scan{.unscanned = files.unreadable, .skipped = files.skipped};
  std::vector<std::string> left = files.files;
  for (size_t deaths = 0;; ++deaths) {
    TRIREME_ASSIGN_OR_RETURN(const Attempt attempt, Try(interpreter, agent, left));
    if (attempt.answer) {
      AddAnswer(*attempt.answer, left, scan);
      break;
    }
    if (!attempt.fatal || deaths == kMaxDeaths)
      return InfrastructureError(interpreter + " cannot scan: it " + attempt.problem,
                                 "'trireme doctor' says which interpreters work");
    const auto fatal = left.begin() + static_cast<std::ptrdiff_t>(*attempt.fatal);
    scan.unscanned.push_back({.file = *fatal, .reason = "the interpreter " + attempt.problem});
    left.erase(fatal);
  }
  SortByPlace(scan.findings);
  SortByPlace(scan.unscanned);
  scan.scanned = files.files.size() + files.unreadable.size() - scan.unscanned.size();
  return scan;
}

}  // namespace trireme
