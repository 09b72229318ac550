"""Each test's outcome in a run of unittest becomes an observation, whatever class its result has.

The result is an object of the suite's own; what it is told is noted on its way in. Its lists are no substitute: testtools
has others, and what befalls a class or a module belongs to no test. Subtests count with their test, as pytest has it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import trireme_start

_TOLD = {
    "addSuccess": "passed",
    "addSkip": "skipped",
    "addExpectedFailure": "xfailed",
    "addUnexpectedSuccess": "xpassed",
    "addFailure": "failed",
    "addError": "error",
}
_WEIGHTS = {outcome: weight for weight, outcome in enumerate(_TOLD.values())}  # of several, the heaviest stands
_OBSERVE = 7  # enum trireme_event


class Outcomes:
    """Joins what a result is told of a test to one outcome."""

    def __init__(self, seen: Any) -> None:
        self._seen = seen
        self._process = os.getpid()
        self._begun: dict[str, tuple[Any, list[str]]] = {}  # by test: its run, what was told of it

    def watch(self, result: Any) -> Callable[[], None]:
        """Until what is returned is called."""
        notes: dict[str, Callable[..., None]] = {
            "startTest": self._start,
            "stopTest": self._stop,
            "addSubTest": self._part,
            **{name: functools.partial(self._tell, outcome) for name, outcome in _TOLD.items()},
        }
        watched = [name for name, note in notes.items() if self._note_calls(result, name, note)]

        def forget() -> None:
            for name in watched:
                vars(result).pop(name, None)

        return forget

    def _note_calls(self, result: Any, name: str, note: Callable[..., None]) -> bool:
        told = getattr(result, name, None)
        if told is None:
            return False

        @functools.wraps(told)
        def noted(*args: Any, **kwargs: Any) -> Any:
            returned = told(*args, **kwargs)
            if os.getpid() == self._process:  # what a fork of a test goes on to run is not of this suite
                note(*args, **kwargs)
            return returned

        try:
            setattr(result, name, noted)
        except AttributeError:  # it has slots
            return False
        return name in vars(result)

    def _start(self, test: Any, *_: Any, **__: Any) -> None:
        name = _name(test)
        if name not in self._begun:
            self._seen.start.began(test)
            self._begun[name] = (self._seen.begin_test(name), [])

    def _tell(self, outcome: str, test: Any, *_: Any, **__: Any) -> None:
        name = _name(test)
        if name in self._begun:
            self._begun[name][1].append(outcome)
        else:
            self._observe(name, outcome)  # of setUpClass and its like, between tests

    def _part(self, test: Any, _: Any, error: Any, *__: Any, **___: Any) -> None:
        if error is not None:
            failed = issubclass(error[0], getattr(test, "failureException", AssertionError))
            self._tell("failed" if failed else "error", test)

    def _stop(self, test: Any, *_: Any, **__: Any) -> None:
        name = _name(test)
        run, told = self._begun.pop(name, (None, []))
        outcome = max(told, key=_WEIGHTS.__getitem__) if told else None
        if run is not None:
            self._seen.end_test(run, outcome)
        if outcome is not None:
            self._observe(name, outcome)

    def _observe(self, name: str, outcome: str) -> None:
        self._seen.record(_OBSERVE, f"test:{name}", outcome)


class Runs:
    """Finds the outermost run of tests: one inside of a test is what that test is about."""

    def __init__(self, seen: Any) -> None:
        self._seen = seen
        self._running = False

    def install(self) -> None:
        """REQUIRES: unittest.suite and unittest.case are imported."""
        from unittest.case import TestCase
        from unittest.result import TestResult
        from unittest.suite import BaseTestSuite, TestSuite

        self._watch(TestSuite, object)
        self._watch(BaseTestSuite, object)
        self._watch(TestCase, TestResult)  # pytest runs each alone, with a result of its own

    def _watch(self, kind: Any, results: type) -> None:
        run = kind.run

        @functools.wraps(run)
        def watched(tests: Any, result: Any = None, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(result, results) or result is None or not self._is_outermost():
                return run(tests, result, *args, **kwargs)
            forget = Outcomes(self._seen).watch(result)
            self._running = True
            try:
                with self._seen.start.inside_of_a_suite("unittest"):
                    return run(tests, result, *args, **kwargs)
            finally:
                self._running = False
                forget()

        kind.run = watched

    def _is_outermost(self) -> bool:
        return (
            not self._running
            and self._seen.start.is_outermost("unittest")
            and not trireme_start.runs_tests_as_subunit()  # which are observed where they are told
        )


def _name(test: Any) -> str:
    test = getattr(test, "test_case", test)  # of a subtest
    return str(test.id()) if hasattr(test, "id") else str(test)
