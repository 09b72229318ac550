"""Who registered for which descriptor with an event loop, so that it is said when one drops or refuses another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from trireme_agent import meetings, probe


def watch(loop: Any) -> None:
    """Of a loop that has a selector. Streams are watched in the whole process."""
    owners: dict[tuple[str, int], int] = {}
    for direction, who in (("read", "reader"), ("write", "writer")):
        add, remove = f"_add_{who}", f"_remove_{who}"
        setattr(loop, add, _noting_who_goes(getattr(loop, add), direction, owners))
        setattr(loop, remove, _forgetting(getattr(loop, remove), direction, owners))
    _streams._wait_for_data = _noting_who_is_refused


def _noting_who_goes(add: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def noted(fd: int, *rest: Any) -> Any:
        task, before = probe.current_task(), owners.get((direction, fd), 0)
        if task and before and task != before:
            meetings.note("replaced", direction, fd)
        owners[direction, fd] = task
        return add(fd, *rest)

    return noted


def _forgetting(remove: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def forgotten(fd: int) -> Any:
        owners.pop((direction, fd), None)
        return remove(fd)

    return forgotten


_streams: Any = asyncio.StreamReader  # whose private names mypy does not know
_wait_for_data: Callable[..., Any] = _streams._wait_for_data


async def _noting_who_is_refused(reader: Any, name: str) -> None:
    if reader._waiter is not None and reader._transport is not None:
        sock = reader._transport.get_extra_info("socket")
        if sock is not None:
            meetings.note("rejected", "read", sock.fileno(), f"{name}() while another coroutine is waiting already")
    await _wait_for_data(reader, name)
