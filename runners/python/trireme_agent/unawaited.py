"""Coroutines that nobody awaited: what they stand for was never done, so a trial that dropped one cannot pass."""

from __future__ import annotations

import sys
import warnings
from types import CoroutineType, FrameType
from typing import Any

from trireme_agent import errors, probe

_MOST = 20  # that are told


def watch() -> None:
    """From now on each is a WARNING `never-awaited`, besides Python's own warning on standard error."""
    told: set[str] = set()
    warn: Any = warnings
    show = warn._warn_unawaited_coroutine  # the interpreter asks for it, by this name, as it frees a coroutine

    def never_awaited(coroutine: CoroutineType[Any, Any, Any]) -> None:
        where = _dropped_at(sys._getframe(1))
        text = f"coroutine '{coroutine.__qualname__}' was never awaited" + (f" ({where})" if where else "")
        if text not in told and len(told) < _MOST:
            told.add(text)
            probe.record(probe.WARNING, 0, "never-awaited", errors.text(text))
        show(coroutine)

    warn._warn_unawaited_coroutine = never_awaited


def _dropped_at(frame: FrameType | None) -> str:
    """The line of the workload that ran then, "" for none."""
    while frame is not None:
        if not errors.is_agents(frame.f_code.co_filename) and not frame.f_code.co_filename.startswith("<frozen "):
            return f"{errors.place(frame.f_code.co_filename)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
