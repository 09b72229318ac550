#include "harness/cli/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

// 20260102T030405Z: sorts by time, and no shell minds it.
std::string CompactTime(int64_t wall_time) {
  std::string text;
  for (const char c : FormatUtc(wall_time))
    if (c != '-' && c != ':') text += c;
  return text;
}

// One write(2) of the whole line at the end of the file, so that a killed harness leaves whole
// lines.
Status AppendLine(const std::string& path, const std::string& line) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  const ssize_t written = ::write(fd.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return Done{};
  return ErrnoError("cannot write " + path, written < 0 ? errno : ENOSPC);
}

std::string ProcessorModel() {
  const Result<std::string> text = ReadFile("/proc/cpuinfo", 4 << 20);
  if (!text.ok()) return "";
  const size_t line = text->find("model name");
  const size_t colon = line == std::string::npos ? line : text->find(':', line);
  if (colon == std::string::npos) return "";
  return std::string(
      Trim(std::string_view(*text).substr(colon + 1, text->find('\n', colon) - colon - 1)));
}

Diagnostic Taken(const std::string& shown) {
  return UsageError("option --out: " + shown + " already holds something",
                    "name a new folder, or remove this one");
}

}  // namespace

Result<RunDirectory> RunDirectory::Create(const std::string& out, uint64_t id, int64_t wall_time) {
  std::array<char, 8> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%06x", static_cast<unsigned>(id & 0xffffffU));
  const std::string shown =
      out.empty() ? "trireme-runs/" + CompactTime(wall_time) + "-" + suffix.data() : out;
  if (FileExists(shown) && !IsDirectory(shown))
    return UsageError("option --out: " + shown + " is a file", "name a folder");
  if (!ListDirectory(shown).empty()) return Taken(shown);
  Status made = MakeDirectories(shown);
  const std::string trials = JoinPath(shown, "trials");
  // Of two runs that begin at once in one folder, one makes this one.
  if (made.ok() && ::mkdir(trials.c_str(), 0777) != 0) {
    if (errno == EEXIST) return Taken(shown);
    made = ErrnoError("cannot create folder " + trials, errno);
  }
  if (!made.ok()) {
    Diagnostic error = std::move(made).error();
    error.hint = "--out DIR writes the run elsewhere";
    return error;
  }
  UniqueFd folder(::open(shown.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return ErrnoError("cannot open folder " + shown, errno);
  return RunDirectory(shown, RealPath(shown), std::move(folder));
}

Status RunDirectory::InPlace() const {
  struct stat made {
  }, found{};
  if (::fstat(folder_.get(), &made) == 0 && ::stat(path_.c_str(), &found) == 0 &&
      made.st_dev == found.st_dev && made.st_ino == found.st_ino)
    return Done{};
  return InfrastructureError(
      "the folder of the run, " + shown_ + ", was removed, renamed or unmounted during the run",
      "what was written before is where that folder is now, if anywhere; run it again");
}

Status RunDirectory::WriteRun(const Json& run) {
  return WriteFileAtomically(JoinPath(path_, "run.json"), DumpJson(run, 1) + "\n");
}

Status RunDirectory::WritePlan(const Plan& plan) {
  return WriteFileAtomically(JoinPath(path_, "plan.json"), DumpJson(plan.ToJson(), 1) + "\n");
}

Status RunDirectory::WriteTrial(const std::string& trial_directory,
                                const TrialJudgement& judgement, bool stays) {
  TRIREME_RETURN_IF_ERROR(InPlace());
  if (stays)
    TRIREME_RETURN_IF_ERROR(WriteFile(JoinPath(trial_directory, "verdict.json"),
                                      DumpJson(judgement.document, 1) + "\n"));
  return AppendLine(JoinPath(path_, "trials.jsonl"), DumpJson(judgement.line) + "\n");
}

Status RunDirectory::WriteResults(const RunResults& results) {
  TRIREME_RETURN_IF_ERROR(InPlace());
  return WriteFileAtomically(JoinPath(path_, "results.json"), DumpJson(results.ToJson(), 1) + "\n");
}

Json DescribeHost() {
  utsname names{};
  ::uname(&names);
  const int64_t memory = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  return {{"system", names.sysname},
          {"release", names.release},
          {"machine", names.machine},
          {"name", names.nodename},
          {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory", memory},
          {"processor", ProcessorModel()}};
}

}  // namespace trireme
