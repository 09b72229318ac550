#include "harness/cli/python_preflight.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr int64_t kTimeout = 60 * kNanosecondsPerSecond;

// Prints {"errors": [{file, line, column, length, text, message}], "packages": {}}. A workload is
// parsed, never imported: its imports may have effects, and belong to the runtime's own process.
// `main` is whatever binds that name at the top level.
constexpr const char* kScript = R"python(
import ast, json, sys, warnings
warnings.simplefilter("ignore")

def statements(body):
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from statements(getattr(node, field, None) or [])
        for handler in getattr(node, "handlers", None) or []:
            yield from statements(handler.body)

def names(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {"main" if alias.name == "*" else alias.asname or alias.name for alias in node.names}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
    return set()

def error_of(path):
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except SyntaxError as error:
        text = (error.text or "").rstrip("\n")
        column = max(error.offset or 0, 0)
        length = 1
        if getattr(error, "end_lineno", None) == error.lineno and (error.end_offset or 0) > column:
            length = error.end_offset - column
        return {"line": error.lineno or 0, "column": len(text[:max(column - 1, 0)].encode("utf-8", "replace")) + 1 if column else 0,
                "length": length, "text": text, "message": "%s: %s" % (type(error).__name__, error.msg)}
    except Exception as error:
        return {"line": 0, "column": 0, "length": 1, "text": "", "message": "%s: %s" % (type(error).__name__, error)}
    if any("main" in names(node) for node in statements(tree.body)):
        return None
    return {"line": 0, "column": 0, "length": 1, "text": "", "message": ""}

errors = []
for path in sys.argv[1:]:
    error = error_of(path)
    if error is not None:
        errors.append(dict(error, file=path))
packages = {}
try:
    from importlib import metadata
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            packages[str(name)] = str(distribution.version)
except Exception:
    pass
print(json.dumps({"errors": errors, "packages": dict(sorted(packages.items()))}))
)python";

Diagnostic ToDiagnostic(const Json& error) {
  Diagnostic diagnostic;
  diagnostic.file = PathForUser(GetString(error, "file"));
  diagnostic.line = static_cast<int>(GetInt(error, "line"));
  diagnostic.column = static_cast<int>(GetInt(error, "column"));
  diagnostic.length = static_cast<int>(GetInt(error, "length", 1));
  diagnostic.source_line = GetString(error, "text");
  diagnostic.message = GetString(error, "message");
  if (!diagnostic.message.empty()) return diagnostic;
  diagnostic.message = "the workload has no 'main'";
  diagnostic.hint = "define 'async def main(rt, params)'";
  return diagnostic;
}

}  // namespace

std::string PathForUser(const std::string& path) {
  std::string directory(PATH_MAX, '\0');
  if (::getcwd(directory.data(), directory.size()) == nullptr) return path;
  directory.resize(directory.find('\0'));
  const std::string prefix = directory + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

Result<PythonPreflight> PreflightPython(const std::string& interpreter,
                                        const std::vector<std::string>& workloads) {
  std::vector<std::string> argv = {interpreter, "-B", "-c", kScript};
  argv.insert(argv.end(), workloads.begin(), workloads.end());
  TRIREME_ASSIGN_OR_RETURN(
      const CommandOutcome outcome,
      RunCommand(argv, {.environment = {"PYTHONHASHSEED=0", "PYTHONIOENCODING=utf-8"},
                        .timeout = kTimeout}));
  const Result<Json> answer = ParseJson(outcome.out, interpreter);
  if (outcome.exit_code != 0 || !answer.ok()) {
    const std::string said = std::string(Trim(outcome.err));
    return InfrastructureError(
        interpreter + " could not parse the workloads: " +
            (outcome.timed_out ? "it did not end"
                               : "exit status " + std::to_string(outcome.exit_code)) +
            (said.empty() ? "" : ", " + said.substr(said.rfind('\n') + 1)),
        "'trireme doctor' says which interpreters work");
  }
  PythonPreflight preflight;
  for (const Json& error : GetMember(*answer, "errors"))
    preflight.errors.push_back(ToDiagnostic(error));
  preflight.packages = GetMember(*answer, "packages");
  return preflight;
}

}  // namespace trireme
