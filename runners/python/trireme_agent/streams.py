"""Streams, listeners and datagram endpoints: framing and bookkeeping above the sockets of a backend."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from trireme_agent import probe, sync
from trireme_agent.backend import Address, Backend

_CHUNK = 65536


class Descriptors:
    """Who made which descriptor, for the census."""

    def __init__(self) -> None:
        self._makers: dict[int, tuple[str, str]] = {}

    def opened(self, backend: Backend, fd: int, what: str) -> None:
        task = backend.current()
        self._makers[fd] = (what, task.path if task is not None else "")

    def closed(self, fd: int) -> None:
        self._makers.pop(fd, None)

    def maker(self, fd: int) -> tuple[str, str]:
        return self._makers.get(fd, ("", ""))


descriptors = Descriptors()


def _closed_error() -> OSError:
    return OSError(errno.EBADF, os.strerror(errno.EBADF))


class _Endpoint:
    _kind = "stream"  # of which a history has it

    def __init__(self, backend: Backend, sock: Any, what: str, number: int = 0) -> None:
        self._backend = backend
        self.number = number or sync.made(backend, self._kind)
        self._socket = sock
        self._open = True
        descriptors.opened(backend, sock.fileno(), what)

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def close(self) -> None:
        """Closing twice is fine."""
        if self._open:
            self._open = False
            probe.record(probe.SYNC, self.number, "close", None)
            descriptors.closed(self.fileno())
            self._socket.close()

    def _check_open(self) -> None:
        if not self._open:
            raise _closed_error()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _Buffer:
    """What was read too much. Thread safety: any threads, of which each byte goes to one: two tasks may read one stream, and a
    bytearray by itself bears that with a GIL alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # nothing waits while it is held
        self._bytes = bytearray()
        self._searched = (b"", 0)  # what was not found before which place

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, data: bytes) -> None:
        with self._lock:
            self._bytes += data

    def take(self, size: int) -> bytes:
        """At most `size` bytes."""
        with self._lock:
            return self._take(size)

    def take_exactly(self, size: int) -> bytes | None:
        with self._lock:
            return self._take(size) if len(self._bytes) >= size else None

    def take_until(self, separator: bytes) -> bytes | None:
        with self._lock:
            what, start = self._searched
            at = self._bytes.find(separator, start if what == separator else 0)
            if at >= 0:
                return self._take(at + len(separator))
            self._searched = (separator, max(0, len(self._bytes) - len(separator) + 1))
            return None

    def _take(self, size: int) -> bytes:
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        self._searched = (b"", 0)
        return data


class Stream(_Endpoint):
    """A connected stream. What recv_until read too much stays for the next call of any recv."""

    def __init__(self, backend: Backend, sock: Any, number: int = 0) -> None:
        """`number`: that of its original, of which it is a duplicate."""
        super().__init__(backend, sock, "stream", number)
        self._buffer = _Buffer()
        if not number:
            self._record_ends()

    def _record_ends(self) -> None:
        """By what the two ends of a connection find each other in a history: probe_abi.h, "connected"."""
        try:
            here, there = self._socket.getsockname(), self._socket.getpeername()
        except OSError:  # it is over already
            return
        if isinstance(here, tuple) and isinstance(there, tuple):
            probe.record(probe.SYNC, self.number, "connected", f"{here[0]}:{here[1]} {there[0]}:{there[1]}")

    def record_pair(self, other: Stream) -> None:
        """The same of the ends of a socketpair, which have no addresses."""
        for here, there in ((self, other), (other, self)):
            probe.record(probe.SYNC, here.number, "connected", f"#{here.number} #{there.number}")

    async def recv(self, size: int = _CHUNK) -> bytes:
        """At least one byte, at most `size`; b"" at the end of the stream."""
        self._check_open()
        return await self._backend.point("recv", self._read, self._recv, size, what=self.number)

    async def _read(self, call: Callable[[Any], Awaitable[bytes]], arg: Any) -> bytes:
        probe.record(probe.SYNC, self.number, "read", None)
        return await call(arg)

    async def _recv(self, size: int) -> bytes:
        if data := self._buffer.take(size):
            return data
        self._check_open()
        return await self._backend.recv(self._socket, size)

    async def recv_exactly(self, size: int) -> bytes:
        """All of `size` bytes, or raises EOFError."""
        self._check_open()
        return await self._backend.point("recv", self._read, self._recv_exactly, size, what=self.number)

    async def _recv_exactly(self, size: int) -> bytes:
        while (taken := self._buffer.take_exactly(size)) is None:
            self._check_open()
            data = await self._backend.recv(self._socket, max(_CHUNK, size - len(self._buffer)))
            if not data:
                raise EOFError(f"end of stream after {len(self._buffer)} of {size} bytes")
            self._buffer.add(data)
        return taken

    async def recv_until(self, separator: bytes) -> bytes:
        """Up to and with `separator`; b"" at the end of the stream, where what had come stays for recv."""
        self._check_open()
        return await self._backend.point("recv", self._read, self._recv_until, separator, what=self.number)

    async def _recv_until(self, separator: bytes) -> bytes:
        while (taken := self._buffer.take_until(separator)) is None:
            self._check_open()
            data = await self._backend.recv(self._socket, _CHUNK)
            if not data:
                return b""
            self._buffer.add(data)
        return taken

    async def send_all(self, data: bytes) -> None:
        self._check_open()
        await self._backend.point("send", self._send_all, data, what=self.number)

    async def _send_all(self, data: bytes) -> None:
        probe.record(probe.SYNC, self.number, "write", None)
        await self._backend.send_all(self._socket, data)

    def shutdown(self) -> None:
        """Ends the sending direction; the peer sees the end of the stream."""
        self._check_open()
        self._socket.shutdown(socket.SHUT_WR)

    def dup(self) -> Stream:
        self._check_open()
        return Stream(self._backend, self._backend.dup(self._socket), self.number)


class _Bound(_Endpoint):
    """Has an address, which others are given. Of a Unix socket that is its path, which goes with it."""

    def __init__(self, backend: Backend, sock: Any, what: str, path: str | None) -> None:
        super().__init__(backend, sock, what)
        self._path = path
        self.address: Address = path if path is not None else _address(sock.getsockname())

    def close(self) -> None:
        if self._open and self._path is not None:
            try:
                os.unlink(self._path)
            except OSError:
                pass
        super().close()


def _address(name: Any) -> Address:
    """Of what a socket calls it: without the flow and scope of IPv6."""
    return tuple(name[:2]) if isinstance(name, tuple) else name


class Listener(_Bound):
    """A listening socket; `address` is what connect() takes."""

    def __init__(self, backend: Backend, sock: Any, path: str | None) -> None:
        super().__init__(backend, sock, "listener", path)

    async def accept(self) -> Stream:
        self._check_open()
        accepted = self._backend.point("accept", self._backend.accept, self._socket, what=self.number)
        return Stream(self._backend, await accepted)


class Datagram(_Bound):
    """A datagram socket; `address` is what send_to() of another takes."""

    _kind = "datagram"

    def __init__(self, backend: Backend, sock: Any, path: str | None) -> None:
        super().__init__(backend, sock, "datagram", path)

    async def send_to(self, data: bytes, address: Address) -> None:
        """Sends one datagram. Raises an OSError with EMSGSIZE for more than one can hold."""
        self._check_open()
        to = tuple(address) if isinstance(address, list) else address  # what JSON made of a tuple
        await self._backend.point("send", self._send_to, data, to, what=self.number)

    async def _send_to(self, data: bytes, address: Address) -> None:
        probe.record(probe.SYNC, self.number, "write", None)
        await self._backend.send_to(self._socket, data, address)

    async def recv_from(self, size: int = _CHUNK) -> tuple[bytes, Address]:
        """The next datagram, of which at most `size` bytes, and who sent it. What was longer is lost, as recvfrom(2) has it."""
        self._check_open()
        return await self._backend.point("recv", self._recv_from, size, what=self.number)

    async def _recv_from(self, size: int) -> tuple[bytes, Address]:
        probe.record(probe.SYNC, self.number, "read", None)
        data, sender = await self._backend.recv_from(self._socket, size)
        return data, _address(sender)
