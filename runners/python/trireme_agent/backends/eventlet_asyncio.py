"""Tasks are green threads as under `eventlet`, on Eventlet's asyncio hub: an event loop runs inside the hub's greenlet.

What a workload gives to eventlet.asyncio.spawn_for_awaitable runs in that loop, beside the tasks. A task that awaits
something of asyncio itself would suspend, and ends the trial as on every runtime that blocks.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

from trireme_agent.backend import Correspondence
from trireme_agent.backends.eventlet import EventletBackend
from trireme_agent.loop import inspection


class EventletAsyncioBackend(EventletBackend):
    name = "eventlet-asyncio"
    hub = "asyncio"
    correspondences: list[Correspondence]

    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        sys.unraisablehook = _without_the_note_of_a_fork(sys.unraisablehook)

    def enter(self) -> None:
        asyncio.events._set_running_loop(None)  # Eventlet made the zygote's loop the running one of this process
        super().enter()
        sys.unraisablehook = _without_the_note_of_a_fork(sys.unraisablehook)  # of this process, before who reports it
        self.this_hub().loop.set_exception_handler(inspection.reporting(self))

    def descriptors_of(self, hub: Any) -> set[int]:
        return {hub.loop._selector.fileno(), hub.loop._ssock.fileno(), hub.loop._csock.fileno()}

    def has_events(self, hub: Any) -> bool:
        return inspection.due(hub.loop) > 0 or inspection.has_events(hub.loop)

    def parked(self) -> Iterator[tuple[str, list[str]]]:
        yield from super().parked()
        for task in _tasks_beside(self.this_hub()):
            yield task.get_name(), inspection.await_stack(task.get_coro())

    def timers(self) -> list[str]:
        return super().timers() + inspection.timers(self.this_hub().loop)

    def strays(self) -> list[str]:
        return super().strays() + [task.get_name() for task in _tasks_beside(self.this_hub())]


def _tasks_beside(hub: Any) -> list[asyncio.Task[Any]]:
    """Those of its loop that run neither the hub itself nor its sleep, which 3.10 and 3.11 give a task of its own."""
    found = []
    for task in asyncio.all_tasks(hub.loop):
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        if owner is not hub and owner is not hub.sleep_event:
            found.append(task)
    return found


def _without_the_note_of_a_fork(show: Callable[[Any], None]) -> Callable[[Any], None]:
    """From 3.12 on, the hub asks before a fork which task of its loop runs; where none does, Python prints that.

    It is harmless, and of no interest to who reads the output of a workload.
    """

    def hook(unraisable: Any) -> None:
        asked = getattr(unraisable.object, "__qualname__", "") == "Hub._post_initialize.<locals>.store_task"
        if not (asked and str(unraisable.exc_value) == "no running event loop"):
            show(unraisable)

    return hook


_OTHER = {
    "rt.spawn": Correspondence(
        "rt.spawn", "eventlet.spawn", "GreenThread; of asyncio's own awaitables: eventlet.asyncio.spawn_for_awaitable"
    ),
    "rt.settle": Correspondence("rt.settle", "ours", "neither the hub nor its event loop has anything to run"),
}
EventletAsyncioBackend.correspondences = [_OTHER.get(row.feature, row) for row in EventletBackend.correspondences]

BACKEND = EventletAsyncioBackend
