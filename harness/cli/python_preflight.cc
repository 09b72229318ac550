#include "harness/cli/python_preflight.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/cli/python_packages.h"

namespace trireme {
namespace {

constexpr int64_t kTimeout = 60 * kNanosecondsPerSecond;

// Prints {"errors": [{file, line, column, length, text, message, hint}], "packages": {}, "absent": []}. A
// workload is parsed, never imported: its imports may have effects, and belong to the runtime's own
// process. The first argument names the packages to look for, and the working directory is no place
// for them.
// `main` is whatever binds that name at the top level. What it is bound to is an error only where
// the text alone says that it cannot be called with two arguments: a decorated function, an imported
// name, the result of a call may be anything.
constexpr const char* kScript = R"python(
import ast, json, re, sys, warnings
warnings.simplefilter("ignore")
sys.path[:] = [folder for folder in sys.path if folder]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = FUNCTIONS + (ast.ClassDef, ast.Lambda)
HINT = "define 'async def main(rt, params)'"
NO_CALLABLE = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

def within(node):
    """The nodes below one, in its own scope; the scopes themselves are among them."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, SCOPES):
            yield from within(child)

def names(node):
    if isinstance(node, FUNCTIONS + (ast.ClassDef,)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {"main" if alias.name == "*" else (alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    return {getattr(node, field, None) for field in ("name", "rest")}  # of except, of patterns

def hidden(tree):
    """Whether main may be bound by what is not seen: a function, exec, a module's __getattr__."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global) and "main" in node.names:
            return True
        if isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars", "locals"):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("modules", "__dict__"):
            return True
    return any(isinstance(node, FUNCTIONS) and node.name == "__getattr__" for node in tree.body)

def binding(tree):
    """The statement that binds main last, and what it binds it to; None for what the text does not tell."""
    last, value = None, None
    for node in tree.body:
        inside = [node, *(() if isinstance(node, SCOPES) else within(node))]
        if isinstance(node, ast.AnnAssign) and node.value is None or not any("main" in names(each) for each in inside):
            continue
        last, value = node, None
        if isinstance(node, FUNCTIONS + (ast.ClassDef,)):
            value = node
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "main" for target in targets):
            value = node.value
    return last, value

def mistake_of_arguments(args):
    places = args.posonlyargs + args.args
    needed = len(places) - len(args.defaults)
    if needed > 2 or len(places) < 2 and args.vararg is None:
        count = needed if needed > 2 else len(places)
        return "'main' takes %d parameter%s, where it is given 2: rt, params" % (count, "" if count == 1 else "s")
    for arg, default in zip(args.kwonlyargs, args.kw_defaults):
        if default is None:
            return "'main' needs a keyword argument '%s', which it is not given" % arg.arg
    return None

def mistake_of(value):
    if isinstance(value, NO_CALLABLE):
        return "'main' is no function"
    if value is None or getattr(value, "decorator_list", None):
        return None
    if isinstance(value, ast.ClassDef):
        return "'main' is a class, no function"
    if not isinstance(value, FUNCTIONS + (ast.Lambda,)):
        return None
    body = value.body if isinstance(value.body, list) else [value.body]
    inside = [node for statement in body for node in (statement, *(() if isinstance(statement, SCOPES) else within(statement)))]
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in inside):
        kind = "an async generator function" if isinstance(value, ast.AsyncFunctionDef) else "a generator function"
        return "'main' is %s: calling it runs nothing" % kind
    return mistake_of_arguments(value.args)

def error_of_main(tree, lines):
    last, value = binding(tree)
    if hidden(tree):
        return None
    if last is None:
        return {"line": 0, "column": 0, "length": 1, "text": "", "message": "the workload has no 'main'", "hint": HINT}
    message = mistake_of(value)
    if message is None:
        return None
    text = lines[last.lineno - 1] if last.lineno <= len(lines) else b""
    found = re.compile(rb"\bmain\b").search(text, last.col_offset)
    column = found.start() if found else last.col_offset
    return {"line": last.lineno, "column": column + 1, "length": 4 if found else 1, "text": text.decode("utf-8", "replace"), "message": message, "hint": HINT}

def error_of(path):
    try:
        with open(path, "rb") as file:
            source = file.read()
        tree = ast.parse(source, path)
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
    return error_of_main(tree, source.splitlines())

errors = []
for path in sys.argv[2:]:
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
absent = []
try:
    from importlib.util import find_spec
    absent = [name for name in sys.argv[1].split(",") if find_spec(name) is None]
except Exception:
    pass
print(json.dumps({"errors": errors, "packages": dict(sorted(packages.items())), "absent": absent}))
)python";

Diagnostic ToDiagnostic(const Json& error) {
  Diagnostic diagnostic;
  diagnostic.file = PathForUser(GetString(error, "file"));
  diagnostic.line = static_cast<int>(GetInt(error, "line"));
  diagnostic.column = static_cast<int>(GetInt(error, "column"));
  diagnostic.length = static_cast<int>(GetInt(error, "length", 1));
  diagnostic.source_line = GetString(error, "text");
  diagnostic.message = GetString(error, "message");
  diagnostic.hint = GetString(error, "hint");
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
  std::vector<std::string> needed;
  for (const PackageNeed& need : PackageNeeds())
    if (need.whole) needed.emplace_back(need.package);
  std::vector<std::string> argv = {interpreter, "-B", "-c", kScript, Join(needed, ",")};
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
  for (const Json& name : GetMember(*answer, "absent"))
    if (name.is_string()) preflight.absent.push_back(name.get<std::string>());
  return preflight;
}

}  // namespace trireme
