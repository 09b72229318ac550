"""Datagrams of an event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from trireme_agent.backend import Address

# Python 3.10 has none of these; what stands in for them is as they are.
HAS_CALLS = hasattr(asyncio.AbstractEventLoop, "sock_recvfrom")


async def recv_from(loop: Any, sock: socket.socket, size: int) -> tuple[bytes, Any]:
    if HAS_CALLS:
        received: tuple[bytes, Any] = await loop.sock_recvfrom(sock, size)
        return received
    while True:
        try:
            return sock.recvfrom(size)
        except BlockingIOError:
            await _ready(sock, loop.add_reader, loop.remove_reader)


async def send_to(loop: Any, sock: socket.socket, data: bytes, address: Address) -> None:
    if HAS_CALLS:
        await loop.sock_sendto(sock, data, address)
        return
    while True:
        try:
            sock.sendto(data, address)
            return
        except BlockingIOError:
            await _ready(sock, loop.add_writer, loop.remove_writer)


async def _ready(sock: socket.socket, add: Callable[..., Any], remove: Callable[..., Any]) -> None:
    ready = asyncio.get_running_loop().create_future()

    def note() -> None:
        if not ready.done():
            ready.set_result(None)

    add(sock, note)
    try:
        await ready
    finally:
        remove(sock)
