"""Sends and receives 100 bytes at a time over TCP on loopback: transfers.py threads|eventlet|asyncio.

For each line COUNT on standard input it makes that many round trips and prints the seconds of processor time that the
process took for them: on a busy machine they say more than the clock does. `threads` calls send and recv; the others
have two tasks that each wait for what the other sends. ci/benchmarks.py runs it with the probe and without.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from typing import Any

MESSAGE = b"x" * 100


def connection(module: Any) -> tuple[Any, Any]:
    with module.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        near = module.create_connection(listener.getsockname())
        far, _ = listener.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def by_threads() -> Callable[[int], None]:
    near, far = connection(socket)

    def run(count: int) -> None:
        for _ in range(count):
            near.send(MESSAGE)
            far.recv(100)

    return run


def by_eventlet() -> Callable[[int], None]:
    import eventlet
    import eventlet.green.socket as green

    near, far = connection(green)

    def answer() -> None:
        while data := far.recv(100):
            far.send(data)

    eventlet.spawn(answer)

    def ask(count: int) -> None:
        for _ in range(count):
            near.send(MESSAGE)
            near.recv(100)

    return lambda count: eventlet.spawn(ask, count).wait()


def by_asyncio() -> Callable[[int], None]:
    import asyncio

    loop = asyncio.new_event_loop()
    near, far = connection(socket)
    for end in (near, far):
        end.setblocking(False)

    async def answer() -> None:
        while data := await loop.sock_recv(far, 100):
            await loop.sock_sendall(far, data)

    async def ask(count: int) -> None:
        for _ in range(count):
            await loop.sock_sendall(near, MESSAGE)
            await loop.sock_recv(near, 100)

    answering = loop.create_task(answer())

    def run(count: int) -> None:
        assert not answering.done()
        loop.run_until_complete(ask(count))

    return run


def main() -> None:
    run = {"threads": by_threads, "eventlet": by_eventlet, "asyncio": by_asyncio}[sys.argv[1]]()
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.process_time()
        run(int(line))
        print(time.process_time() - begin, flush=True)


if __name__ == "__main__":
    main()
