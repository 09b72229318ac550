"""What transports read: their loop reads for them, between the steps of tasks, and only when something is there, so that
the probe sees nobody wait. (Of uvloop's, which libuv registers by io_uring, it does not even see that.) So each is a task of
its own, as which no code runs and which waits for as long as the transport reads.

Transports that a server of uvloop accepts are made out of our sight. Thread safety: any threads.
"""

from __future__ import annotations

import weakref
from typing import Any

TASK_END = 12  # enum trireme_event
_MAKERS = ("create_connection", "create_unix_connection", "connect_accepted_socket", "create_datagram_endpoint",
           "connect_read_pipe")


class Transports:
    def __init__(self, probe: Any) -> None:
        self._probe = probe
        self._known: dict[int, weakref.ref[Any]] = {}  # by the number of its task
        self._noted: weakref.WeakSet[Any] = weakref.WeakSet()  # uvloop's makers call each other
        self._kinds: tuple[type, ...] = ()  # asyncio's own

    def hook_selector(self, module: Any) -> None:
        """asyncio's own, each when it begins to read: those that a server accepts, too."""
        self._kinds += (module._SelectorSocketTransport, module._SelectorDatagramTransport)
        kind = module.BaseSelectorEventLoop
        add = kind._add_reader

        def add_and_note(loop: Any, file: Any, callback: Any, *args: Any) -> Any:
            added = add(loop, file, callback, *args)
            owner = getattr(callback, "__self__", None)
            if isinstance(owner, self._kinds):
                self._note(owner)
            return added

        kind._add_reader = add_and_note

    def hook_pipes(self, module: Any) -> None:
        """The same loops' for pipes, also of their subprocesses. One that writes a pipe only waits for its end."""
        self._kinds += (module._UnixReadPipeTransport,)

    def hook_uvloop(self, kind: Any) -> None:
        for name in _MAKERS:
            setattr(kind, name, self._noting_what_is_made(getattr(kind, name)))

    def _noting_what_is_made(self, make: Any) -> Any:
        async def made_and_noted(loop: Any, *args: Any, **keywords: Any) -> Any:
            made = await make(loop, *args, **keywords)
            self._note(made[0])
            return made

        return made_and_noted

    def _note(self, transport: Any) -> None:
        """REQUIRES: called in the thread of its loop."""
        fd = _descriptor_of(transport)
        if fd < 0 or transport in self._noted or not _reads(transport):
            return
        self._noted.add(transport)
        probe, number = self._probe, self._probe.new_task()

        def end(_: Any) -> None:
            if self._known.pop(number, None) is not None:
                probe.record_for(number, TASK_END, 0, "cancelled", None)

        self._known[number] = weakref.ref(transport, end)
        before = probe.current_task()
        probe.set_task(number)
        try:
            probe.wait_standing(fd)
        finally:
            probe.set_task(before)

    def name(self, number: int) -> str:
        """Of the transport that this task stands for; "" where it stands for none."""
        known = self._known.get(number)
        transport = None if known is None else known()
        return "" if transport is None else f"{type(transport).__name__} {number}"

    def number_of(self, transport: Any) -> int:
        """Of the task that stands for this transport; 0 where none does."""
        return next((number for number, known in list(self._known.items()) if known() is transport), 0)

    def is_over(self, number: int) -> bool:
        """Of a task that stands for a transport: it does not read, and may be followed by another reader."""
        known = self._known.get(number)
        if known is None:
            return False
        transport = known()
        return transport is None or not _reads(transport)


def _reads(transport: Any) -> bool:
    if transport.is_closing():
        return False
    try:
        return bool(transport.is_reading())
    except (AttributeError, NotImplementedError):
        return not getattr(transport, "_paused", False)  # a pipe's before 3.11; datagrams are always read


def _descriptor_of(transport: Any) -> int:
    for what in ("socket", "pipe"):
        file = transport.get_extra_info(what)
        if file is not None:
            try:
                return int(file.fileno())
            except (AttributeError, OSError, ValueError):
                return -1
    return -1
