"""Exceptions that Python can give to nobody and prints as ignored: those of finalisers, of callbacks of weak references."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def watch(report: Callable[[Exception], None]) -> None:
    """From now on each is reported, besides Python's own note on standard error. What only stops a task is no error."""
    show = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Exception):
            report(unraisable.exc_value)
        show(unraisable)

    sys.unraisablehook = hook
