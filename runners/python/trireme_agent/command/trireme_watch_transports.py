"""What transports read: their loop reads for them, between the steps of tasks, and only when something is there, so that
the probe sees nobody wait. (Of uvloop's, which libuv registers by io_uring, it does not even see that.) So each is a task of
its own, as which no code runs and which waits for as long as the transport reads.

Transports that a server of uvloop accepts are made out of our sight: their protocols are asked for before, and told of them.
Thread safety: any threads.
"""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from typing import Any

TASK_END = 12  # enum trireme_event
_MAKERS = ("create_connection", "create_unix_connection", "connect_accepted_socket", "create_datagram_endpoint",
           "connect_read_pipe")
_SERVERS = ("create_server", "create_unix_server")
_MADE = "connection_made"
_UVLOOP = "uvloop.loop"


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
            if isinstance(owner, self._kinds) and _reads(owner):
                self._note(owner)
            return added

        kind._add_reader = add_and_note

    def hook_pipes(self, module: Any) -> None:
        """The same loops' for pipes, also of their subprocesses. One that writes a pipe only waits for its end."""
        self._kinds += (module._UnixReadPipeTransport,)

    def hook_uvloop(self, kind: Any) -> None:
        for name in _MAKERS:
            setattr(kind, name, self._noting_what_is_made(getattr(kind, name)))
        for name in _SERVERS:
            setattr(kind, name, self._noting_what_is_accepted(getattr(kind, name)))

    def _noting_what_is_made(self, make: Any) -> Any:
        async def made_and_noted(loop: Any, *args: Any, **keywords: Any) -> Any:
            made = await make(loop, *args, **keywords)
            transport = _below_tls(made[0])
            if transport is not None and _reads(transport):
                self._note(transport)
            return made

        return made_and_noted

    def _noting_what_is_accepted(self, serve: Any) -> Any:
        async def served_and_noted(loop: Any, protocol_factory: Any, *args: Any, **keywords: Any) -> Any:
            factory = functools.partial(_made_and_told, protocol_factory, self._note_accepted)
            return await serve(loop, factory, *args, **keywords)

        return served_and_noted

    def _note_accepted(self, transport: Any) -> None:
        """It begins to read when its protocol has been told of it."""
        transport = _below_tls(transport)
        if transport is not None and not transport.is_closing():
            self._note(transport)

    def _note(self, transport: Any) -> None:
        """REQUIRES: called in the thread of its loop."""
        fd = _descriptor_of(transport)
        if fd < 0 or transport in self._noted:
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
            probe.wait_standing(fd, False)
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


class _Telling:
    """Stands before connection_made() of a protocol until its transport is there: the protocol is as it was afterwards."""

    def __init__(self, protocol: Any, tell: Callable[[Any], None]) -> None:
        self._kept = vars(protocol)
        self._own = _MADE in self._kept
        self._made = getattr(protocol, _MADE)
        self._tell = tell
        self.awaited = 1  # transports: one protocol may be given to several

    def __call__(self, transport: Any) -> Any:
        self.awaited -= 1
        if self.awaited == 0 and self._kept.get(_MADE) is self:
            if self._own:
                self._kept[_MADE] = self._made
            else:
                del self._kept[_MADE]
        self._tell(transport)
        return self._made(transport)


def _made_and_told(make: Callable[[], Any], tell: Callable[[Any], None]) -> Any:
    protocol = make()
    try:
        kept = vars(protocol)
    except TypeError:  # it has slots, or is none of Python's: its transport is not seen
        return protocol
    before = kept.get(_MADE)
    if isinstance(before, _Telling):
        before.awaited += 1
    elif hasattr(protocol, _MADE):  # else it is for the loop to say
        kept[_MADE] = _Telling(protocol, tell)
    return protocol


def _below_tls(transport: Any) -> Any:
    """What reads for it. uvloop's transports of TLS, which do not themselves, cannot be referred to weakly, and say only to
    the garbage collector what is below; None: it is not known."""
    if type(transport).__weakrefoffset__:
        return transport
    for protocol in gc.get_referents(transport):
        if type(protocol).__name__ == "SSLProtocol":
            for below in gc.get_referents(protocol):
                kind = type(below)
                if kind.__module__ == _UVLOOP and kind.__weakrefoffset__ and hasattr(kind, "is_reading"):
                    return below
    return None


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
