#include "harness/engine/workload_compiler.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <regex>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/engine/compile_folder.h"
#include "harness/engine/undefined_symbols.h"

namespace trireme {
namespace {

constexpr int64_t kCompilerPatience = 300 * kNanosecondsPerSecond;
// Ten times what a large workload takes; a source that includes itself, expands for ever or reads
// /dev/zero is told by the compiler, not by the machine.
constexpr int64_t kCompilerMemory = int64_t{4} << 30;
constexpr ptrdiff_t kNamedSymbols = 4;  // in an error; the first say enough
// -O1: half a second less than -O2 to compile, and a workload spends its time in the runtime and
// the kernel. A Task that nobody awaits does nothing, so that it is dropped is an error; without
// the fortified headers of some systems, which would say the same of write().
const std::vector<std::string> kFlags = {"-std=c++20",
                                         "-O1",
                                         "-g1",
                                         "-fPIC",
                                         "-shared",
                                         "-Wl,-Bsymbolic-functions",
                                         "-U_FORTIFY_SOURCE",
                                         "-Werror=unused-result"};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value == nullptr ? "" : value;
}

std::string FindCompiler() {
  for (const std::string& name :
       {Environment("CXX"), std::string("c++"), std::string("g++"), std::string("clang++")})
    if (!name.empty())
      if (const std::string path = FindProgram(name); !path.empty()) return path;
  return "";
}

std::string FindPrebuilt(const std::string& hash, const Locations& locations) {
  std::vector<std::string> folders = Split(Environment("TRIREME_WORKLOADS"), ':');
  folders.push_back(locations.workloads);
  for (const std::string& folder : folders)
    if (std::string object = JoinPath(folder, hash + ".so"); FileExists(object)) return object;
  return "";
}

// What changes when the compiler is replaced, without running it.
std::string Identity(const std::string& compiler) {
  struct stat status {};
  const std::string real = RealPath(compiler);
  if (::stat(real.c_str(), &status) != 0) return real;
  return real + " " + std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec);
}

// A file and what it includes by a path from its own folder, and so on.
void CollectOwnFiles(const std::string& path, std::vector<std::string>& files) {
  static const std::regex kInclude(R"re(^[ \t]*#[ \t]*include[ \t]*"([^"]+)")re");
  const std::string real = RealPath(path);
  if (std::find(files.begin(), files.end(), real) != files.end()) return;
  files.push_back(real);
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return;
  for (const std::string& line : Split(*text, '\n')) {
    std::smatch match;
    if (!std::regex_search(line, match, kInclude)) continue;
    const std::string included = JoinPath(DirName(path), match[1].str());
    if (IsRegularFile(included)) CollectOwnFiles(included, files);
  }
}

// What a prebuilt object is named by: TriremeWorkload.cmake computes the same.
std::string PrebuiltName(const std::string& source) {
  std::vector<std::string> files;
  CollectOwnFiles(source, files);
  std::vector<std::string> hashes;
  for (const std::string& file : files) {
    const Result<std::string> text = ReadFile(file);
    hashes.push_back(Sha256(text.ok() ? *text : ""));
  }
  return hashes.size() == 1 ? hashes.front() : Sha256(Join(hashes, "\n"));
}

// What stands for a file that the compiler read. Thousands of lines of a system's headers are not
// read again for each workload: who replaces one changes its size or time.
std::string ContentOf(const std::string& path) {
  struct stat status {};
  if (path.starts_with("/usr/") && ::stat(path.c_str(), &status) == 0)
    return std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec);
  const Result<std::string> text = ReadFile(path);
  return text.ok() ? Sha256(*text) : "missing";
}

// The files of a rule that the compiler wrote for make: `target: file file \`, with a backslash
// before a space of a name.
std::vector<std::string> FilesOfRule(const std::string& rule) {
  std::vector<std::string> files;
  std::string word;
  for (size_t at = rule.find(": ") + 1; at > 0 && at < rule.size(); ++at) {
    const bool escaped = rule[at] == '\\' && at + 1 < rule.size() && rule[at + 1] != '\n';
    const bool blank = rule[at] == ' ' || rule[at] == '\n' || rule[at] == '\\';
    if (escaped || !blank) {
      word += escaped ? rule[++at] : rule[at];
    } else if (!word.empty()) {
      files.push_back(std::exchange(word, ""));
    }
  }
  if (!word.empty()) files.push_back(word);
  return files;
}

// The objects of one source text by one compiler. Which files it includes is known only once it was
// compiled, so the list of that time is kept beside the objects, which are named by what all those
// files contain: an object is taken when the files of the newest list contain what they did then.
// A header that was added since, where the compiler would now find it first, goes unnoticed.
class CachedObjects {
 public:
  CachedObjects(const std::string& text, const std::string& source, const std::string& compiler,
                const Locations& locations)
      : source_(source), folder_(JoinPath(locations.cache, "workloads")) {
    std::vector<std::string> parts = {Sha256(text), Identity(compiler), Join(kFlags, " "),
                                      locations.include};
    for (const char* name : {"CPATH", "CPLUS_INCLUDE_PATH", "GCC_EXEC_PREFIX"})
      parts.push_back(Environment(name));
    key_ = Sha256(Join(parts, "\n"));
  }

  const std::string& folder() const { return folder_; }

  // "" when it has to be compiled.
  std::string Find() const {
    const Result<std::string> list = ReadFile(ListPath());
    if (!list.ok()) return "";
    std::string object = ObjectOf(Split(*list, '\n'));
    return FileExists(object) ? object : "";
  }

  // Takes what the compiler wrote to `partial`, and read by the rule beside it.
  Result<std::string> Keep(const std::string& partial) const {
    TRIREME_ASSIGN_OR_RETURN(const std::string rule, ReadFile(partial + ".d"));
    std::vector<std::string> files = FilesOfRule(rule);
    const std::string beside = DirName(source_) + "/";
    // The same text in another folder has its own headers there.
    for (std::string& file : files)
      if (file.starts_with(beside) && file != source_) file = file.substr(beside.size());
    files.erase(std::remove(files.begin(), files.end(), source_), files.end());
    const std::string object = ObjectOf(files);
    if (std::rename(partial.c_str(), object.c_str()) != 0)
      return ErrnoError("cannot keep " + object, errno);
    TRIREME_RETURN_IF_ERROR(WriteFileAtomically(ListPath(), Join(files, "\n")));
    return object;
  }

 private:
  std::string ListPath() const { return JoinPath(folder_, key_ + ".files"); }
  std::string ObjectOf(const std::vector<std::string>& files) const {
    std::string all = key_;
    for (const std::string& file : files)
      all += "\n" + file + " " +
             ContentOf(file.starts_with('/') ? file : JoinPath(DirName(source_), file));
    return JoinPath(folder_, Sha256(all) + ".so");
  }

  const std::string source_;
  const std::string folder_;
  std::string key_;
};

std::string LineOf(const std::string& path, int number) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return "";
  const std::vector<std::string> lines = Split(*text, '\n');
  return number < 1 || static_cast<size_t>(number) > lines.size()
             ? ""
             : lines.at(static_cast<size_t>(number) - 1);
}

struct SourcePlace {
  int line = 0;
  int column = 0;
};

// Where the workload itself asks for what is wrong in a header, as g++ says it of templates before the error, of macros
// behind it, and clang++ always behind it.
std::optional<SourcePlace> PlaceOfUse(const std::string& source, const std::string& output,
                                      size_t error) {
  static const std::regex kUse(
      R"(^(.+?):(\d+):(\d+): +)"
      R"((?:required from|note: in (?:instantiation|expansion) of|note: while substituting))",
      std::regex::multiline);
  std::optional<SourcePlace> place;
  for (std::sregex_iterator use(output.begin(), output.end(), kUse), none; use != none; ++use) {
    if ((*use)[1] != source) continue;
    const bool behind = static_cast<size_t>(use->position()) > error;
    if (behind && place) break;
    place = {std::atoi((*use)[2].str().c_str()), std::atoi((*use)[3].str().c_str())};
    if (behind) break;
  }
  return place;
}

// What is to be done about an error that does not say what it comes from.
std::string HintFor(const std::string& message) {
  // g++ points at the end of the function, where it would keep the array of the list across the wait.
  if (message.find("array used as initializer") != std::string::npos)
    return "g++ 12 cannot await a call that a braced list is written in: name what is made of it "
           "first, `std::vector<int> items{1, 2};`, or compile with CXX=clang++";
  return "";
}

// The first error of the compiler's output, where it says one; else all of it.
Diagnostic CompileError(const std::string& source, const std::string& output) {
  static const std::regex kError(R"(^(.+?):(\d+):(\d+): (?:fatal )?error: (.*)$)",
                                 std::regex::multiline);
  std::smatch match;
  Diagnostic error = UsageError("the workload does not compile: " + std::string(Trim(output)));
  error.file = source;
  if (!std::regex_search(output, match, kError)) return error;
  error.file = match[1];
  error.line = std::atoi(match[2].str().c_str());
  error.column = std::atoi(match[3].str().c_str());
  if (const auto use = PlaceOfUse(source, output, static_cast<size_t>(match.position()));
      use && error.file != source) {
    error.file = source;
    error.line = use->line;
    error.column = use->column;
  }
  error.source_line = LineOf(error.file, error.line);
  error.message = "the workload does not compile: " + match[4].str();
  error.hint = HintFor(match[4].str());
  return error;
}

// What TRIREME_WORKLOAD defines is among the names that the object exports, each of which ends in a
// zero byte; nothing but the runner, which loads the object, would notice that it is missing.
bool DefinesMain(const std::string& object) {
  static const std::string kEntry("\0trireme_workload\0", 18);
  const Result<std::string> bytes = ReadFile(object);
  return bytes.ok() && bytes->find(kEntry) != std::string::npos;
}

Diagnostic NoMain(const std::string& source) {
  Diagnostic error = UsageError("the workload has no TRIREME_WORKLOAD(Main)",
                                "define 'Task<> Main(Runtime& rt, const Params& params)' and name "
                                "it so behind it");
  error.file = source;
  return error;
}

Diagnostic NotLinked(const std::string& source, const std::vector<std::string>& undefined) {
  std::vector<std::string> names(
      undefined.begin(),
      undefined.begin() + std::min<ptrdiff_t>(kNamedSymbols, std::ssize(undefined)));
  const size_t more = undefined.size() - names.size();
  Diagnostic error = UsageError("the workload does not link: '" + Join(names, "', '") + "'" +
                                    (more == 0 ? "" : " and " + std::to_string(more) + " more") +
                                    (undefined.size() == 1 ? " is" : " are") +
                                    " declared and used, but nowhere defined",
                                "define it in workload.cc or in a file that workload.cc includes");
  error.file = source;
  return error;
}

Result<CompiledWorkload> Compile(const std::string& source, const std::string& compiler,
                                 const CachedObjects& cache, const Locations& locations) {
  TRIREME_ASSIGN_OR_RETURN(const CompileFolder folder, CompileFolder::Make(cache.folder()));
  const std::string partial = JoinPath(folder.path(), "workload.so");
  std::vector<std::string> argv = {compiler};
  argv.insert(argv.end(), kFlags.begin(), kFlags.end());
  argv.insert(argv.end(),
              {"-I" + locations.include, source, "-o", partial, "-MD", "-MF", partial + ".d"});
  const Result<CommandOutcome> ran =
      RunCommand(argv, {.environment = {"LC_ALL=C", "TMPDIR=" + folder.path()},
                        .timeout = kCompilerPatience,
                        .memory = kCompilerMemory});
  TRIREME_ASSIGN_OR_RETURN(const CommandOutcome outcome, ran);
  if (outcome.timed_out)
    return UsageError("compiling " + source + " took longer than five minutes");
  if (outcome.exit_code != 0) return CompileError(source, outcome.err + outcome.out);
  if (!DefinesMain(partial)) return NoMain(source);
  if (const std::vector<std::string> undefined = UndefinedSymbols(partial, locations);
      !undefined.empty())
    return NotLinked(source, undefined);
  TRIREME_ASSIGN_OR_RETURN(std::string object, cache.Keep(partial));
  return CompiledWorkload{.object = std::move(object), .unsupported = ""};
}

}  // namespace

Result<CompiledWorkload> CompileWorkload(const std::string& source, const Locations& locations,
                                         const std::function<void()>& begins) {
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(source));
  if (std::string object = FindPrebuilt(PrebuiltName(source), locations); !object.empty())
    return CompiledWorkload{.object = std::move(object), .unsupported = ""};
  const std::string compiler = FindCompiler();
  if (compiler.empty())
    return CompiledWorkload{
        .object = "", .unsupported = "no C++ compiler to compile " + BaseName(source) + " with"};
  TRIREME_RETURN_IF_ERROR(CheckUserFolders(locations));
  const CachedObjects cache(text, source, compiler, locations);
  if (const Status made = MakeDirectories(cache.folder()); !made.ok()) {
    Diagnostic error = made.error();
    error.hint = "TRIREME_HOME names another folder for what is compiled and installed";
    return error;
  }
  if (std::string object = cache.Find(); !object.empty())
    return CompiledWorkload{.object = std::move(object), .unsupported = ""};
  if (begins) begins();
  return Compile(source, compiler, cache, locations);
}

}  // namespace trireme
