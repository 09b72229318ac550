"""Who reads what through an event loop without the probe seeing it: transports and callbacks, which only read when something
is there, and tasks that asyncio refuses, or whose registration it drops for another's.
"""

from __future__ import annotations

import asyncio
import importlib
from asyncio import selector_events, unix_events
from collections.abc import Callable
from typing import Any

from trireme_agent import errors, meetings, probe

# In the folder of what watched programs load, where each finds the other by its own name.
_unseen: Any = importlib.import_module("trireme_agent.command.trireme_watch_unseen")
_of_callbacks: Any = importlib.import_module("trireme_agent.command.trireme_watch_callbacks")
transports: Any = importlib.import_module("trireme_agent.command.trireme_watch_transports").Transports(probe)
callbacks: Any = _of_callbacks.Callbacks(probe)
_sources: Any = importlib.import_module("trireme_agent.command.trireme_sources")
_descriptor: Callable[[Any], int] = importlib.import_module("trireme_agent.command.trireme_watch_readers").descriptor
is_cancelled: Callable[[Any], bool] = _unseen.is_cancelled


def watch_classes() -> None:
    """Once in a process: what is the same for all its loops."""
    _unseen.hook_streams(asyncio.StreamReader, meetings.note)
    _unseen.hook_loop(selector_events.BaseSelectorEventLoop, meetings.note)
    _unseen.hook_sendall(selector_events.BaseSelectorEventLoop, probe.wait_for)
    transports.hook_selector(selector_events)
    callbacks.hook(selector_events.BaseSelectorEventLoop)
    transports.hook_pipes(unix_events)
    probe.set_reader_source(_sources.answering(_describe_reader, ""))
    probe.set_writer_source(_sources.answering(_describe_writer, ""))


def _describe_reader(number: int) -> str:
    return str(_of_callbacks.as_reader(name(number), errors.place(callbacks.place(number))))


def _describe_writer(fd: int) -> str:
    called, place = callbacks.writer(fd)
    return str(_of_callbacks.as_writer(called, errors.place(place)))


def watch(loop: Any) -> None:
    """Of a loop that has a selector."""
    owners: dict[tuple[str, int], int] = {}
    for direction, who in (("read", "reader"), ("write", "writer")):
        add, remove = f"_add_{who}", f"_remove_{who}"
        setattr(loop, add, _noting_who_goes(getattr(loop, add), direction, owners))
        setattr(loop, remove, _forgetting(getattr(loop, remove), direction, owners))


def name(number: int) -> str:
    """Of the transport or callback that this task stands for; "" where it stands for none."""
    return str(transports.name(number) or callbacks.name(number))


def number_of(waits: Any) -> int:
    """Of the task that stands for a transport, or that a descriptor was registered by."""
    return waits if isinstance(waits, int) else int(transports.number_of(waits))


def is_over(number: int, thread: int) -> bool:
    """Of a task, not one of asyncio's, that waited in that thread: it waits no more, or beside who asks, in the same loop."""
    return bool(transports.is_over(number) or callbacks.is_over(number, thread))


def _noting_who_goes(add: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def noted(file: Any, *rest: Any) -> Any:
        fd = _descriptor(file)
        task, before = probe.current_task(), owners.get((direction, fd), 0)
        if task and before and task != before:
            meetings.note("replaced", direction, fd, waits=before)
        owners[direction, fd] = task
        return add(file, *rest)

    return noted


def _forgetting(remove: Callable[..., Any], direction: str, owners: dict[tuple[str, int], int]) -> Callable[..., Any]:
    def forgotten(file: Any) -> Any:
        owners.pop((direction, _descriptor(file)), None)
        return remove(file)

    return forgotten
