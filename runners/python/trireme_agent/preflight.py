"""What an interpreter says of workloads before anything is run.

A workload is parsed, never imported: its imports may have effects, and belong to the runtime's own process. `main` is whatever
binds that name at the top level. What it is bound to is an error only where the text alone says that it cannot be called with
two arguments: a decorated function, an imported name, the result of a call may be anything.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import metadata

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)
_DISPLAYS = (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NO_CALLABLE = (ast.Constant, ast.JoinedStr, *_DISPLAYS)
_HINT = "define 'async def main(rt, params)'"

# {file, line, column, length, text, message, hint}; lines and columns count from 1 and in bytes, 0 where there is none.
Mistake = dict[str, object]


def main(packages: str, workloads: list[str]) -> int:
    """Prints the mistakes in the workloads, what is installed, and which of `packages` (a,b) are absent."""
    warnings.simplefilter("ignore")
    sys.path[:] = [folder for folder in sys.path if folder]  # the working directory is no place for packages
    mistakes = [{"file": path, **mistake} for path in workloads if (mistake := mistake_in(path))]
    print(json.dumps({"errors": mistakes, "packages": _installed(), "absent": _absent(packages.split(","))}))
    return 0


def mistake_in(path: str) -> Mistake | None:
    try:
        with open(path, "rb") as file:
            source = file.read()
        tree = ast.parse(source, path)
    except SyntaxError as error:
        return _syntax_mistake(error)
    except Exception as error:  # unreadable, NUL bytes, nesting that overflows the parser
        return _mistake(f"{type(error).__name__}: {error}")
    return mistake_of_main(tree, source.splitlines())


def mistake_of_main(tree: ast.Module, lines: list[bytes]) -> Mistake | None:
    if _may_be_bound_unseen(tree):
        return None
    statement, value = _binding(tree)
    if statement is None:
        return _mistake("the workload has no 'main'", hint=_HINT)
    message = _why_not_callable(value)
    if message is None:
        return None
    text = lines[statement.lineno - 1] if statement.lineno <= len(lines) else b""
    found = re.compile(rb"\bmain\b").search(text, statement.col_offset)
    column = (found.start() if found else statement.col_offset) + 1
    return _mistake(message, statement.lineno, column, 4 if found else 1, text.decode("utf-8", "replace"), _HINT)


def _mistake(message: str, line: int = 0, column: int = 0, length: int = 1, text: str = "", hint: str = "") -> Mistake:
    return {"line": line, "column": column, "length": length, "text": text, "message": message, "hint": hint}


def _syntax_mistake(error: SyntaxError) -> Mistake:
    text = (error.text or "").rstrip("\n")
    offset = max(error.offset or 0, 0)
    end = error.end_offset or 0
    length = end - offset if error.end_lineno == error.lineno and end > offset else 1
    column = len(text[: max(offset - 1, 0)].encode("utf-8", "replace")) + 1 if offset else 0
    return _mistake(f"{type(error).__name__}: {error.msg}", error.lineno or 0, column, length, text)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, in its own scope; the scopes themselves are among them."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _within(child)


def _in_scope(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, _SCOPES):
        yield from _within(node)


def _names(node: ast.AST) -> set[str | None]:
    """The names that one node binds."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {"main" if alias.name == "*" else (alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    return {getattr(node, field, None) for field in ("name", "rest")}  # of except, of patterns


def _may_be_bound_unseen(tree: ast.Module) -> bool:
    """By a function, exec, a module's __getattr__."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global) and "main" in node.names:
            return True
        if isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars", "locals"):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("modules", "__dict__"):
            return True
    return any(isinstance(node, _FUNCTIONS) and node.name == "__getattr__" for node in tree.body)


def _binding(tree: ast.Module) -> tuple[ast.stmt | None, ast.AST | None]:
    """The statement that binds main last, and what it binds it to; None for what the text does not tell."""
    last: ast.stmt | None = None
    value: ast.AST | None = None
    for node in tree.body:
        declared_only = isinstance(node, ast.AnnAssign) and node.value is None
        if declared_only or not any("main" in _names(each) for each in _in_scope(node)):
            continue
        last = node
        value = node if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else None
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "main" for target in targets):
                value = node.value
    return last, value


def _why_not_callable(value: ast.AST | None) -> str | None:
    if isinstance(value, _NO_CALLABLE):
        return "'main' is no function"
    if value is None or getattr(value, "decorator_list", None):
        return None
    if isinstance(value, ast.ClassDef):
        return "'main' is a class, no function"
    if not isinstance(value, (*_FUNCTIONS, ast.Lambda)):
        return None
    body = [value.body] if isinstance(value, ast.Lambda) else value.body
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for part in body for node in _in_scope(part)):
        kind = "an async generator function" if isinstance(value, ast.AsyncFunctionDef) else "a generator function"
        return f"'main' is {kind}: calling it runs nothing"
    return _why_not_with_two(value.args)


def _why_not_with_two(arguments: ast.arguments) -> str | None:
    places = arguments.posonlyargs + arguments.args
    needed = len(places) - len(arguments.defaults)
    if needed > 2 or (len(places) < 2 and arguments.vararg is None):
        count = needed if needed > 2 else len(places)
        return f"'main' takes {count} parameter{'' if count == 1 else 's'}, where it is given 2: rt, params"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            return f"'main' needs a keyword argument '{argument.arg}', which it is not given"
    return None


def _installed() -> dict[str, str]:
    found = {}
    try:
        for distribution in metadata.distributions():
            name = distribution.metadata["Name"]
            if name:
                found[str(name)] = str(distribution.version)
    except Exception:  # a damaged installation: what was read before stands
        pass
    return dict(sorted(found.items()))


def _absent(packages: list[str]) -> list[str]:
    try:
        return [name for name in packages if importlib.util.find_spec(name) is None]
    except Exception:  # a finder of the user's: the runner will say what it cannot import
        return []
