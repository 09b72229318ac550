"""Standard output and error of Python, which a workload may have closed, replaced or taken away: nothing here raises."""

from __future__ import annotations

import contextlib
import sys
import traceback


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


def say(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(BaseException):
            print(text, file=sys.stderr)


def show(error: BaseException) -> None:
    """Its traceback, on standard error."""
    if sys.stderr is not None:
        with contextlib.suppress(BaseException):
            traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
