#include "harness/engine/workload_compiler.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <regex>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr int64_t kPatience = 300 * kNanosecondsPerSecond;
// -O1: half a second less than -O2 to compile, and a workload spends its time in the runtime and
// the kernel.
const std::vector<std::string> kFlags = {"-std=c++20", "-O1", "-g1", "-fPIC", "-shared"};

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

std::string HeadersIn(const std::string& folder) {
  std::string all;
  for (const std::string& name : ListDirectory(folder)) {
    if (!GlobMatches("*.h", name) && !GlobMatches("*.hpp", name)) continue;
    if (const Result<std::string> text = ReadFile(JoinPath(folder, name)); text.ok())
      all += Sha256(*text);
  }
  return all;
}

std::string CacheKey(const std::string& text, const std::string& source,
                     const std::string& compiler, const Locations& locations) {
  const std::string parts[] = {Sha256(text), HeadersIn(DirName(source)),
                               HeadersIn(JoinPath(locations.include, "trireme")),
                               Identity(compiler), Join(kFlags, " ")};
  return Sha256(Join(parts, "\n"));
}

std::string LineOf(const std::string& path, int number) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return "";
  const std::vector<std::string> lines = Split(*text, '\n');
  return number < 1 || static_cast<size_t>(number) > lines.size()
             ? ""
             : lines.at(static_cast<size_t>(number) - 1);
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
  error.source_line = LineOf(error.file, error.line);
  error.message = "the workload does not compile: " + match[4].str();
  return error;
}

Result<CompiledWorkload> Compile(const std::string& source, const std::string& compiler,
                                 const std::string& object, const Locations& locations) {
  const std::string partial = object + "." + std::to_string(::getpid());
  std::vector<std::string> argv = {compiler};
  argv.insert(argv.end(), kFlags.begin(), kFlags.end());
  argv.insert(argv.end(), {"-I" + locations.include, source, "-o", partial});
  TRIREME_ASSIGN_OR_RETURN(const CommandOutcome outcome,
                           RunCommand(argv, {.environment = {"LC_ALL=C"}, .timeout = kPatience}));
  if (outcome.timed_out)
    return UsageError("compiling " + source + " took longer than five minutes");
  if (outcome.exit_code != 0) return CompileError(source, outcome.err + outcome.out);
  if (std::rename(partial.c_str(), object.c_str()) != 0)
    return ErrnoError("cannot keep " + object, errno);
  return CompiledWorkload{.object = object, .unsupported = ""};
}

}  // namespace

Result<CompiledWorkload> CompileWorkload(const std::string& source, const Locations& locations,
                                         const std::function<void()>& begins) {
  TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(source));
  if (std::string object = FindPrebuilt(Sha256(text), locations); !object.empty())
    return CompiledWorkload{.object = std::move(object), .unsupported = ""};
  const std::string compiler = FindCompiler();
  if (compiler.empty())
    return CompiledWorkload{
        .object = "", .unsupported = "no C++ compiler to compile " + BaseName(source) + " with"};
  TRIREME_RETURN_IF_ERROR(CheckUserFolders(locations));
  const std::string folder = JoinPath(locations.cache, "workloads");
  TRIREME_RETURN_IF_ERROR(MakeDirectories(folder));
  const std::string object = JoinPath(folder, CacheKey(text, source, compiler, locations) + ".so");
  if (FileExists(object)) return CompiledWorkload{.object = object, .unsupported = ""};
  if (begins) begins();
  return Compile(source, compiler, object, locations);
}

}  // namespace trireme
