"""A pytest plugin: each test's outcome becomes an observation, and a hub that is not the arm's own, a warning."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

import trireme_command


class Outcomes:
    """Joins the reports of a test's phases to one outcome, as pytest's summary counts it."""

    def __init__(self, seen: trireme_command.Witness) -> None:
        self._seen = seen
        self._phases: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        outcome = _outcome(report)
        if outcome is not None and self._phases.get(report.nodeid) != "error":
            self._phases[report.nodeid] = outcome

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        outcome = self._phases.pop(nodeid, None)
        if outcome is not None:
            self._seen.record(trireme_command.OBSERVE, f"test:{nodeid}", outcome)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._seen.record(trireme_command.OBSERVE, f"test:{report.nodeid}", "error")


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


def pytest_configure(config: Any) -> None:
    seen = trireme_command.witness
    if seen is None:
        return
    config.pluginmanager.register(HubWatch(seen), "trireme-hub-watch")
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist tells its controller
        config.pluginmanager.register(Outcomes(seen), "trireme-outcomes")
