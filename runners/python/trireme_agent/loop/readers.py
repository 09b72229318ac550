"""Who reads what through an event loop without the probe seeing it: transports, which only read when something is there,
and tasks that asyncio refuses, or whose registration it drops for another's.
"""

from __future__ import annotations

import asyncio
import importlib
from asyncio import selector_events
from collections.abc import Callable
from typing import Any

from trireme_agent import meetings, probe

# In the folder of what watched programs load, where each finds the other by its own name.
_refusals: Any = importlib.import_module("trireme_agent.command.trireme_watch_refusals")
transports: Any = importlib.import_module("trireme_agent.command.trireme_watch_transports").Transports(probe)


def watch_classes() -> None:
    """Once in a process: what is the same for all its loops."""
    _refusals.hook_streams(asyncio.StreamReader, meetings.note)
    _refusals.hook_loop(selector_events.BaseSelectorEventLoop, meetings.note)
    transports.hook_selector(selector_events)


def watch(loop: Any) -> None:
    """Of a loop that has a selector."""
    owners: dict[tuple[str, int], int] = {}
    for direction, who in (("read", "reader"), ("write", "writer")):
        add, remove = f"_add_{who}", f"_remove_{who}"
        setattr(loop, add, _noting_who_goes(getattr(loop, add), direction, owners))
        setattr(loop, remove, _forgetting(getattr(loop, remove), direction, owners))


def _noting_who_goes(add: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def noted(fd: int, *rest: Any) -> Any:
        task, before = probe.current_task(), owners.get((direction, fd), 0)
        if task and before and task != before:
            meetings.note("replaced", direction, fd)
        owners[direction, fd] = task
        added = add(fd, *rest)
        if task and _is_sendall(rest[0]):
            probe.wait_for(fd, 1)  # a part went out: nothing has told it EAGAIN, and it does not try before it waits
        return added

    return noted


def _is_sendall(callback: Any) -> bool:
    """Not a transport's: whoever wrote to that goes on while it waits."""
    return getattr(callback, "__name__", "") == "_sock_sendall"


def _forgetting(remove: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def forgotten(fd: int) -> Any:
        owners.pop((direction, fd), None)
        return remove(fd)

    return forgotten
