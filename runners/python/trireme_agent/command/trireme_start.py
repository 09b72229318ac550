"""Whether a program, or the test suite that it is, began to do its work: one that did not says nothing of any arm."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

_PROGRAM, _SUITE = "TRIREME_COMMAND_PROGRAM", "TRIREME_COMMAND_SUITE"  # set for what is started from within one
_MOST = 20  # modules that could not be loaded, kept
_NOT_IMPORTED = r"^Failed to import test module: (\S+)\n(.*?)(?=^Failed to import test module: |\Z)"
_UNITTESTS = ("unittest", "testtools.run")  # modules that load tests, run them and do nothing else
_NOT_LOADED = ("_FailedTest", "ModuleImportFailure", "LoadTestsFailure")  # the last two: of nose2
_MACHINERY = ("/runpy.py", "/importlib/__init__.py")  # whose functions import or run a module
_STATUSES = {
    2: "was interrupted",
    3: "had an internal error",
    4: "could not use its command line or its settings",
    5: "ran no test",
}


class Start:
    """What is known of the process's own program and of its suite."""

    def __init__(self, suite_began: Callable[[], None] = lambda: None) -> None:
        self._suite_began = suite_began
        self._outermost = _PROGRAM not in os.environ
        os.environ[_PROGRAM] = "1"
        argv = getattr(sys, "argv", [""])
        self._file = os.path.abspath(argv[0]) if argv and argv[0] not in ("", "-", "-c", "-m") else ""
        self._absent = self._file != "" and not os.access(self._file, os.R_OK)
        self.suite: Suite | None = None
        self._part: Suite | None = None  # what a program ran that is not known to be a suite, and may be more than one
        self._teller: int | None = None  # the process that began to tell subunit; 0: it is none that does

    def begin_suite(self, kind: str) -> Suite | None:
        """None inside of another suite, which may well want this one to fail."""
        if self.suite is None and _SUITE not in os.environ:
            os.environ[_SUITE] = kind
            self.suite = Suite(kind)
            self._suite_began()
            return self.suite
        return None

    def is_outermost(self, kind: str) -> bool:
        """Whether tests that begin now are those of a suite of this kind, not what a test of another suite runs."""
        return self.suite.kind == kind if self.suite is not None else _SUITE not in os.environ

    def subunit_suite(self) -> Suite | None:
        """REQUIRES: called when a test is told of: only then is it sure which program this is, as coverage may run it.

        Once there, what is started from within is no suite of its own. What a fork of a test goes on to run is not of
        this suite either.
        """
        if self._teller is None:
            tells = runs_tests_as_subunit() and self.begin_suite("subunit") is not None
            self._teller = os.getpid() if tells else 0
        return self.suite if self._teller == os.getpid() else None

    @contextlib.contextmanager
    def inside_of_a_suite(self, kind: str) -> Iterator[None]:
        """For what is started meanwhile, where the suite is a part of the program only."""
        before = os.environ.get(_SUITE)
        os.environ[_SUITE] = before or kind
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(_SUITE, None)

    def look_for_unittest(self) -> None:
        """REQUIRES: unittest's main is not imported yet."""
        if any(_runs_module(name) for name in _UNITTESTS):
            self.begin_suite("unittest")

    def began(self, test: Any) -> None:
        """Of the outermost run of unittest, by whatever program: one whose tests all could not be loaded ran none."""
        suite = self.suite or self._part
        if suite is None:
            suite = self._part = Suite("unittest")
            self._suite_began()
        suite.began(test)

    def describe(self) -> dict[str, Any]:
        """`program` and `suite`: why it did not start, null when it did; each only where this process is outermost."""
        told: dict[str, Any] = {}
        if self._outermost:
            told["program"] = self._failure()
        suite = self.suite or self._part
        if suite is not None:
            told["suite"] = suite.failure()
        return told

    def describe_so_far(self) -> dict[str, Any]:
        """The same while it runs: a suite that then ends without a word did not run all its tests."""
        suite = self.suite or self._part
        return {} if suite is None else {"suite": _failed(f"{suite.runner} was ended before its tests were")}

    def _failure(self) -> dict[str, Any] | None:
        if self._absent:
            return _failed(f"the command did not start: Python cannot open '{sys.argv[0]}'")
        if sys.argv and sys.argv[0] == "-m":  # runpy puts the module's file there as soon as it has found it
            return _failed(f"the command did not start: Python found no module to run ({_given()})", missing=True)
        error = getattr(sys, "last_value", None)  # left by what ended the main program, before any hook
        if not isinstance(error, (ImportError, SyntaxError)) or not _is_top_level(error.__traceback__):
            return None
        text = f"the command did not start: {in_words(error)}"
        return _failed(text, missing=isinstance(error, ModuleNotFoundError))


class Suite:
    """The tests of one run of pytest or unittest, or of one process of stestr: one lists them, others run them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.runner = "the test runner" if kind == "subunit" else kind  # it may be stestr's or that of another
        self.tests = 0  # that ran
        self.status: int | None = None  # pytest's own; None: no session of it ended
        self._unloaded: list[tuple[str, str]] = []

    def began(self, test: Any) -> None:
        """Of unittest, whose loader makes a test of each module that it could not load."""
        if type(test).__name__ not in _NOT_LOADED:
            self.tests += 1
            return
        lines = str(getattr(test, "_exception", "")).strip().splitlines()
        self.could_not_load(getattr(test, "_testMethodName", str(test)), lines[-1] if lines else "")

    def could_not_load(self, name: str, error: str) -> None:
        if len(self._unloaded) < _MOST:
            self._unloaded.append((name, error))

    def could_not_import(self, errors: str) -> None:
        """What unittest's loader says of modules: for each a line that names it, and a traceback."""
        for name, traceback in re.findall(_NOT_IMPORTED, errors, re.MULTILINE | re.DOTALL):
            self.could_not_load(name, traceback.strip().rpartition("\n")[2])
        if not self._unloaded:
            self.could_not_load("its tests", errors.strip().rpartition("\n")[2])

    def failure(self) -> dict[str, Any] | None:
        stopped = self.kind == "pytest" and self.status not in (0, 1)
        if self.tests > 0 and not stopped:
            return None
        if self._unloaded:
            verb = "collect" if self.kind == "pytest" else "load"
            name, error = self._unloaded[0]
            more = f" (and {len(self._unloaded) - 1} more)" if len(self._unloaded) > 1 else ""
            text = f"{self.runner} could not {verb} {name}{more}" + (f": {error}" if error else "")
            return _failed(text, missing=error.startswith("ModuleNotFoundError"))
        if stopped and self.status is None:
            return _failed("pytest ended before its session began; its standard error says why")
        if stopped and self.status in _STATUSES:
            return _failed(f"pytest {_STATUSES[self.status]} (exit status {self.status})")
        return None if self.tests > 0 else {**_failed(f"{self.runner} ran no test"), "ran_none": True}


def in_words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return type(error).__name__ + (f": {lines[0]}" if lines else "")


def _failed(reason: str, missing: bool = False) -> dict[str, Any]:
    """`missing`: a module, which another interpreter may have."""
    return {"reason": reason, "missing_module": missing}


def _is_top_level(traceback: TracebackType | None) -> bool:
    """Whether nothing but modules, as they were imported, led there."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        machinery = code.co_filename.startswith("<frozen ") or code.co_filename.endswith(_MACHINERY)
        if code.co_name != "<module>" and not machinery:
            return False
        traceback = traceback.tb_next
    return True


def _given() -> str:
    """The words from -m on, or only that."""
    words: list[str] = list(getattr(sys, "orig_argv", []))
    for place, word in enumerate(words[1:], 1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("m") and place + 1 < len(words):
            return f"-m {words[place + 1]}"
    return "-m"


def runs_tests_as_subunit() -> bool:
    """Whether this process runs tests and tells of them in subunit, as a worker of stestr does."""
    return _runs_module("subunit.run") or _runs_module("stestr.subunit_runner.run")


def _runs_module(name: str) -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None:
        return str(spec.name) in (name, f"{name}.__main__")
    return bool(sys.argv) and sys.argv[0] == "-m" and _given() == f"-m {name}"
