"""Whether a free-threaded interpreter runs with the GIL after all, and what turned it on: the import of an extension module
that does not say that it can do without."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from trireme_agent import probe

FREE_THREADED = "free-threading" in sys.version
_MODULE = re.compile(r"global interpreter lock \(GIL\) has been enabled to load module '([^']+)'")

_modules: list[str] = []  # those that CPython named, the first of which turned it on


def came_back() -> bool:
    return FREE_THREADED and bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def culprit() -> str:
    """The module, or what else it was. REQUIRES: came_back()."""
    if _modules:
        return _modules[0]
    return "PYTHON_GIL or -X gil" if getattr(sys.flags, "gil", None) else "an extension module"


@contextmanager
def watched() -> Iterator[None]:
    """What is imported meanwhile is known by name, should it turn the GIL on: CPython warns of that once, in its own words."""
    if not FREE_THREADED:
        yield
        return
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield
    finally:
        for warning in caught:
            named = _MODULE.search(str(warning.message))
            if named:
                _modules.append(named[1])
            else:
                warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)


def record() -> None:
    """In the history of a trial that is about to end, where it ran with the GIL."""
    if came_back():
        probe.record(probe.WARNING, 0, "gil-enabled", culprit())
