"""Importing a workload, and saying why one cannot be."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import trireme
from trireme_agent import ending, errors, output


class Refused(Exception):
    """A workload that does not load: the reason and line of the protocol, and Python's own message."""

    def __init__(self, reason: str, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.line = line


def load(path: str) -> Callable[..., Any]:
    """The `main` of the workload at `path`. What it prints while it is imported goes where it always does."""
    package, root = _package(os.path.dirname(path))
    sys.path[:0] = dict.fromkeys([os.path.dirname(path), root])
    sys.dont_write_bytecode = True  # a scenario's folder is the user's
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise Refused("unreadable", f"{path}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise Refused("syntax", f"{type(error).__name__}: {message}", line) from error
    return _run(path, package, code)


def _package(folder: str) -> tuple[str, str]:
    """The package that the folder is, if any, and where Python finds it: as far up as there is an __init__.py, as in pytest."""
    names: list[str] = []
    while os.path.basename(folder).isidentifier() and os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    return ".".join(names), folder


def _run(path: str, package: str, code: Any) -> Callable[..., Any]:
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"{package}.{stem}" if package else "workload"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    process = os.getpid()
    error: BaseException | None = None
    try:
        if package:
            importlib.import_module(package)  # which runs each __init__.py, and so perhaps the workload itself
        if package and name in sys.modules:
            module = sys.modules[name]
        else:
            sys.modules[name] = module
            exec(code, module.__dict__)
    except BaseException as raised:
        error = raised
    if ending.is_child(process):  # the workload forked: its child is no runner
        ending.leave_child(error)
    if isinstance(error, trireme.Unsupported):
        raise Refused("unsupported", errors.message(error), _line(error, path)) from error
    if error is not None:
        output.show(error)
        reason = "syntax" if isinstance(error, SyntaxError) else "import"
        raise Refused(reason, _why(error, path), _line(error, path)) from error
    main = getattr(module, "main", None)
    if not callable(main):
        raise Refused("no-main", "the workload defines no main(rt, params)")
    found: Callable[..., Any] = main
    return found


def _why(error: BaseException, path: str) -> str:
    text = f"{type(error).__name__}: {errors.message(error)}"
    if isinstance(error, ModuleNotFoundError):
        text += f", which {sys.executable} lacks: {os.path.basename(path)}"
    elif "no known parent package" in text:
        text += f": there is no __init__.py beside {os.path.basename(path)}"
    return text


def _line(error: BaseException, path: str) -> int:
    """The innermost line of the workload itself on the way to the error."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == path]
    return lines[-1] if lines else 0
