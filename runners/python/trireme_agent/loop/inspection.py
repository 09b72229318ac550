"""What is seen of an event loop from outside: what it has to run, where its tasks wait, what nobody caught."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from trireme_agent import errors
from trireme_agent.backend import Backend


def due(loop: Any) -> int:
    """How many callbacks it would run now: steps of tasks that are ready, and timers."""
    now = loop.time()
    return len(loop._ready) + sum(1 for timer in loop._scheduled if timer._when <= now and not timer._cancelled)


def has_events(loop: Any) -> bool:
    """Whether a descriptor that it watches is ready."""
    return bool(loop._selector.select(0))


def timers(loop: Any) -> list[str]:
    """What its timers would call."""
    return [errors.callable_name(timer._callback) for timer in list(loop._scheduled) if not timer._cancelled]


def await_stack(coroutine: Any, agents: bool = True) -> list[str]:
    """Where a suspended coroutine waits, outermost first; without the agent's own frames unless asked for."""
    coroutine = getattr(coroutine, "_coroutine", coroutine)
    lines = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and (agents or not errors.is_agents(frame.f_code.co_filename)):
            lines.append(f"{errors.place(frame.f_code.co_filename)}:{frame.f_lineno} in {frame.f_code.co_name}")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return lines


def _bears(context: dict[str, Any]) -> bool:
    """Whether the loop tells of an error that it caught and lives with: it will accept again in a second."""
    return bool(context.get("message") == "socket.accept() out of system resource")


def reporting(backend: Backend) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """A loop's exception handler: its own way with an exception that nobody caught, recorded first."""

    def unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not _bears(context):
            never = "never retrieved" in context.get("message", "")
            backend.report("never-retrieved" if never else "loop", error)
        with contextlib.suppress(Exception):  # standard error may not take what it logs
            loop.default_exception_handler(context)

    return unhandled
