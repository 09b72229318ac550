"""What asyncio does with sockets that the probe cannot see by itself: it refuses second readers, of which nothing is left but
an exception, lets a task wait to write that nothing has told EAGAIN, and lets one that was cancelled stay where it waited.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Python 3.8 cannot make it
    # What was done, "read" or "write", the descriptor, the message, who waits.
    Note = Callable[[str, str, int, str, Any], None]

# Calls of a loop that read.
_READS = {"add_reader", "sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into", "_make_socket_transport",
          "_make_ssl_transport", "_make_datagram_transport"}


def hook_streams(kind: Any, note: Note) -> None:
    """`kind`: asyncio.StreamReader, which lets one task wait for data."""
    wait = kind._wait_for_data

    async def note_and_wait(reader: Any, name: str) -> None:
        if reader._waiter is not None and reader._transport is not None:
            sock = reader._transport.get_extra_info("socket")
            if sock is not None:
                message = f"{name}() while another coroutine is waiting already"
                note("rejected", "read", sock.fileno(), message, _who_awaits(reader._waiter))
        await wait(reader, name)

    kind._wait_for_data = note_and_wait


def hook_loop(kind: Any, note: Note) -> None:
    """`kind`: asyncio's loop with a selector, which lets nobody else read the socket of a transport."""
    ensure = kind._ensure_fd_no_transport

    def ensure_and_note(loop: Any, file: Any) -> Any:
        # As of nearly all, which are asked for twice in each wait; a test may have put a dict there.
        if type(file) is int and file not in getattr(loop._transports, "data", (file,)):
            return None
        try:
            return ensure(loop, file)
        except RuntimeError:
            call = sys._getframe(1).f_code.co_name
            if call in _READS:
                fd = file if isinstance(file, int) else int(file.fileno())
                message = f"{call}() of a socket that a transport reads"
                note("rejected", "read", fd, message, loop._transports.get(fd))
            raise

    kind._ensure_fd_no_transport = ensure_and_note


def hook_sendall(kind: Any, wait_for: Callable[[int, int], None]) -> None:
    """`kind`: a loop whose sock_sendall() waits, once a part went out, without another try. Not a transport's wait: whoever
    wrote to that goes on meanwhile."""
    add = kind._add_writer

    def add_and_wait(loop: Any, fd: int, callback: Any, *rest: Any) -> Any:
        added = add(loop, fd, callback, *rest)
        if getattr(callback, "__name__", "") == "_sock_sendall":
            wait_for(fd, 1)
        return added

    kind._add_writer = add_and_wait


def _who_awaits(future: Any) -> Any:
    """The task of the running loop; None: nobody does."""
    tasks = sys.modules["asyncio"].all_tasks()  # never imported from here: it is hooked when the program does
    return next((task for task in tasks if getattr(task, "_fut_waiter", None) is future), None)


def is_cancelled(task: Any) -> bool:
    """Of a task that has not run since: it waits no more."""
    waiter = getattr(task, "_fut_waiter", None)
    return waiter is not None and bool(waiter.cancelled())
