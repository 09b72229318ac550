"""A pytest plugin: each test's outcome becomes an observation, and a hub that is not the arm's own, a warning."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

import trireme_command
import trireme_start

_OPERATION = "test"  # of each test, so that the one that never ends is known


class Outcomes:
    """Joins the reports of a test's phases to one outcome, as pytest's summary counts it."""

    def __init__(self, seen: trireme_command.Witness, suite: trireme_start.Suite | None) -> None:
        self._seen = seen
        self._suite = suite
        self._process = os.getpid()
        self._phases: dict[str, str] = {}
        self._begun: dict[str, int] = {}  # their operations
        self._explained: set[str] = set()  # files that could not be collected, with their errors told

    def _is_of_the_suite(self) -> bool:
        """Not so in a fork of a test that goes on to run what follows it."""
        return os.getpid() == self._process

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if not self._is_of_the_suite():
            return
        self._begun[nodeid] = self._seen.begin(_OPERATION, nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome == "rerun":  # of pytest-rerunfailures: another attempt follows, which stands instead
            self._phases.pop(report.nodeid, None)
            return
        outcome = _outcome(report)
        known = self._phases.get(report.nodeid)
        # A failed part of a test (pytest-subtests) is told before the test as a whole, which then may well pass.
        if outcome is None or known == "error" or (known == "failed" and outcome != "error"):
            return
        self._phases[report.nodeid] = outcome

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if not self._is_of_the_suite():
            return
        outcome = self._phases.pop(nodeid, None)
        if (operation := self._begun.pop(nodeid, 0)) != 0:
            self._seen.end(operation, _OPERATION, outcome)
        if outcome is not None:
            if self._suite is not None:
                self._suite.tests += 1
            self._seen.record(trireme_command.OBSERVE, f"test:{nodeid}", outcome)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._seen.record(trireme_command.OBSERVE, f"test:{report.nodeid}", "error")
            if self._suite is not None and report.nodeid not in self._explained:
                self._suite.could_not_load(report.nodeid, "")

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Before the report of a file that cannot be collected; what it raised is the cause of pytest's own error."""
        if isinstance(node, pytest.Collector) and self._suite is not None:
            error = call.excinfo.value
            self._explained.add(report.nodeid)
            self._suite.could_not_load(report.nodeid, trireme_start.in_words(error.__cause__ or error))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: Any) -> None:
        if self._suite is not None:
            self._suite.status = int(exitstatus)

    def pytest_unconfigure(self) -> None:
        global _running
        _running = False


class HubWatch:
    """Says which tests ran on a hub that is not their arm's."""

    def __init__(self, seen: trireme_command.Witness) -> None:
        self._seen = seen

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, None, None]:
        before = self._seen.other_turns()
        yield
        if self._seen.other_turns() != before:
            self._seen.record(trireme_command.WARNING, "mixed-arm", item.nodeid)


def _outcome(report: Any) -> str | None:
    """None: this phase says nothing of its own."""
    expected_to_fail = hasattr(report, "wasxfail")
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfailed" if expected_to_fail else "skipped"
    if report.when == "call":
        return "xpassed" if expected_to_fail else "passed"
    return None


_suite = trireme_command.witness.start.begin_suite("pytest") if trireme_command.witness is not None else None
_outermost = _suite is not None
_running = False  # a pytest of the suite: what begins meanwhile, in this process or another, runs inside of a test


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests() -> Generator[None, Any, None]:
    outcome = yield
    if outcome.excinfo is not None and _suite is not None:
        error = outcome.excinfo[1]
        cause = getattr(error, "cause", None) or error.__cause__ or error
        _suite.could_not_load(str(getattr(error, "path", "conftest.py")), trireme_start.in_words(cause))


def pytest_configure(config: Any) -> None:
    global _running
    seen = trireme_command.witness
    if seen is None:
        return
    config.pluginmanager.register(HubWatch(seen), "trireme-hub-watch")
    if _outermost and not _running and not hasattr(config, "workerinput"):  # a worker of pytest-xdist tells its controller
        _running = True
        config.pluginmanager.register(Outcomes(seen, _take_suite()), "trireme-outcomes")


def _take_suite() -> trireme_start.Suite | None:
    """Once: whether the suite did its work, the first pytest of this process says."""
    global _suite
    suite, _suite = _suite, None
    return suite
