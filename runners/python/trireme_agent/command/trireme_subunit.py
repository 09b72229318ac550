"""What a process tells of its tests in subunit, as a worker of stestr does, becomes observations.

The process that starts the workers passes on what they tell in the same way, and is none that runs tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_OUTCOMES = {"success": "passed", "fail": "failed", "skip": "skipped", "xfail": "xfailed", "uxsuccess": "xpassed"}
_BEGUN = "inprogress"
_OBSERVE = 7  # enum trireme_event


def observed(seen: Any, status: Callable[..., Any]) -> Callable[..., Any]:
    """`status`, the method that tells all, with what it is told noted."""
    running: dict[str, Any] = {}

    def noted(stream: Any, *args: Any, **kwargs: Any) -> Any:
        suite = seen.start.subunit_suite()
        if suite is not None:
            told = dict(zip(("test_id", "test_status"), args), **kwargs)  # noqa: B905  # strict= is from Python 3.10 on
            _note(seen, suite, running, told)
        return status(stream, *args, **kwargs)

    return noted


def _note(seen: Any, suite: Any, running: dict[str, Any], told: dict[str, Any]) -> None:
    name, state = told.get("test_id"), str(told.get("test_status"))
    if name and state == _BEGUN and name not in running:
        running[name] = seen.begin_test(name)
    elif name and state in _OUTCOMES:
        if name in running:
            seen.end_test(running.pop(name), _OUTCOMES[state])
        suite.tests += 1
        seen.record(_OBSERVE, f"test:{name}", _OUTCOMES[state])
    elif told.get("file_name") == "import errors":
        suite.could_not_import(bytes(told.get("file_bytes") or b"").decode("utf-8", "replace"))
