"""Two of uvloop's loops that wait for one socket or pipe: libuv hands what it registers to the kernel by io_uring, where the
probe sees nothing of it, so that the loops' own add_reader says it.

Which loop has a callback for which kernel object is known until it takes it back, is closed, or its descriptor is another
object's. Thread safety: any threads.
"""

from __future__ import annotations

import _socket
import json
import os
import stat
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

SOCKET = 14  # enum trireme_event


class Reader(NamedTuple):
    """A loop that has a callback for what can be read."""

    loop: Callable[[], Any]  # a weak reference
    process: int
    thread: int
    name: str
    fd: int


class SharedReaders:
    def __init__(self, probe: Any, frames: Callable[[FrameType | None], list[str]]) -> None:
        """`frames` formats a stack without our own."""
        self._probe = probe
        self._frames = frames
        self._lock = threading.Lock()
        self._readers: dict[tuple[int, int], Reader] = {}

    def hook(self, kind: Any) -> None:
        add, remove = kind.add_reader, kind.remove_reader

        def add_and_look(loop: Any, file: Any, *rest: Any) -> Any:
            added = add(loop, file, *rest)
            self._added(loop, file)
            return added

        def remove_and_forget(loop: Any, file: Any) -> Any:
            self._removed(loop, file)
            return remove(loop, file)

        kind.add_reader, kind.remove_reader = add_and_look, remove_and_forget

    def _added(self, loop: Any, file: Any) -> None:
        fd = descriptor(file)
        key = _object_of(fd)
        if key is None:
            return
        here = threading.current_thread()
        reader = Reader(weakref.ref(loop), os.getpid(), here.native_id or 0, here.name, fd)
        with self._lock:
            before = self._readers.get(key)
            waits = before is not None and before.loop() is not loop and _waits(before, key)
            if not waits:
                self._readers[key] = reader
        if waits and before is not None:
            self._tell(reader, before, key)

    def _removed(self, loop: Any, file: Any) -> None:
        key = _object_of(descriptor(file))
        if key is None:
            return
        with self._lock:
            reader = self._readers.get(key)
            if reader is not None and reader.loop() is loop:
                del self._readers[key]

    def _tell(self, reader: Reader, before: Reader, key: tuple[int, int]) -> None:
        action, kind = _kind_of(reader.fd)
        other = {"task": 0, "process": before.process, "thread": before.thread, "fd": before.fd}
        value = {"kind": kind, "fd": reader.fd, "how": "epoll", "other": other, "other_name": before.name, "other_stack": []}
        told = dict(value, name=reader.name, stack=self._frames(sys._getframe(2)))
        self._probe.record_json(SOCKET, key[1], action, json.dumps(told))


def descriptor(file: Any) -> int:
    """-1: it has none, which is for the loop to say."""
    try:
        return file if isinstance(file, int) else int(file.fileno())
    except (AttributeError, TypeError, ValueError):
        return -1


def _object_of(fd: int) -> tuple[int, int] | None:
    """Device and inode of a socket or pipe; all that has no inode of its own is left out."""
    try:
        status = os.fstat(fd)
    except (OSError, OverflowError):
        return None
    if not stat.S_ISSOCK(status.st_mode) and not stat.S_ISFIFO(status.st_mode):
        return None
    return status.st_dev, status.st_ino


def _waits(reader: Reader, key: tuple[int, int]) -> bool:
    """In a forked child the loops of its parent do not run."""
    loop = reader.loop()
    return loop is not None and not loop.is_closed() and reader.process == os.getpid() and _object_of(reader.fd) == key


def _kind_of(fd: int) -> tuple[str, str]:
    """What the meeting is called, and the object."""
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        return "second-reader", "pipe"
    sock = _socket.socket(fileno=fd)
    try:
        listens = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN)
        kind = "stream" if sock.type == _socket.SOCK_STREAM else "datagram"
    finally:
        sock.detach()
    return ("shared-listener" if listens else "second-reader"), kind
