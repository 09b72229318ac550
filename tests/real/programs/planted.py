"""planted.py MODEL MEETING: two readers of one socket, or two that take turns, to see that MODEL is watched at all.

MODEL: threads, eventlet, gevent, asyncio, uvloop; MEETING: readers, turns; of the last two also gather (of two coroutines that
read), callbacks (add_reader of two tasks), streams (two tasks read one StreamReader, which refuses the second), loops (of
two threads, both with a callback for the socket) and own-loops (each with one for a socket of its own).
"""

import sys

model, meeting = sys.argv[1:]
if model == "eventlet":
    import eventlet
    eventlet.monkey_patch()
    import eventlet.debug
    eventlet.debug.hub_prevent_multiple_readers(False)
elif model == "gevent":
    from gevent import monkey
    monkey.patch_all()

import asyncio
import contextlib
import os
import socket
import threading

RECV = {"x86_64": "45 ", "aarch64": "207 "}[os.uname().machine]
ours, theirs = socket.socketpair()


def read():
    with contextlib.suppress(RuntimeError, AssertionError):  # a runtime may refuse it
        ours.recv(1)


def start_thread():
    thread = threading.Thread(target=read)
    thread.start()
    while not open(f"/proc/self/task/{thread.native_id}/syscall").read().startswith(RECV):
        pass
    return thread


def start_green():
    if model == "gevent":
        import gevent
        thread = gevent.spawn(read)
        gevent.sleep(0.01)  # its loop registers the socket at its next turn
    else:
        thread = eventlet.spawn(read)
        eventlet.sleep(0)
    return thread


def run_blocking():
    start = start_thread if model == "threads" else start_green
    wait = "wait" if model == "eventlet" else "join"
    threads = [start()]
    if meeting == "turns":
        theirs.send(b"1")
        getattr(threads.pop(), wait)()
    threads.append(start())
    theirs.send(b"12")
    for thread in threads:
        getattr(thread, wait)()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def register(loop):
    loop.add_reader(ours, print)
    await loop.create_future()


async def gather(loop):
    both = asyncio.gather(loop.sock_recv(ours, 1), loop.sock_recv(ours, 1))
    await settle()
    both.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await both


async def main():
    loop = asyncio.get_running_loop()
    ours.setblocking(False)
    if meeting == "gather":
        await gather(loop)
        return
    reader = None
    if meeting == "streams":
        reader, _ = await asyncio.open_connection(sock=ours)

    def make():
        if meeting == "callbacks":
            return register(loop)
        return loop.sock_recv(ours, 1) if reader is None else reader.read(1)

    first = loop.create_task(make())
    await settle()
    if meeting == "turns":
        theirs.send(b"1")
        await first
    second = loop.create_task(make())
    await settle()
    theirs.send(b"1")
    if meeting != "callbacks":
        await asyncio.wait([second], timeout=10)
    for task in (first, second):
        task.cancel()
    await asyncio.wait([first, second])


def run_loops():
    """The second loop begins once the first has its callback, and both have it until both had."""
    if model == "uvloop":
        import uvloop
        make = uvloop.new_event_loop
    else:
        make = asyncio.new_event_loop
    begun, ended = threading.Event(), threading.Barrier(2)

    def run(sock, wait, said):
        loop = make()
        wait()
        loop.add_reader(sock, print)
        loop.run_until_complete(settle())
        said()
        ended.wait()
        loop.remove_reader(sock)
        loop.close()

    other = ours if meeting == "loops" else theirs
    threads = [threading.Thread(target=run, args=(ours, lambda: None, begun.set)),
               threading.Thread(target=run, args=(other, begun.wait, lambda: None))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if meeting in ("loops", "own-loops"):
    run_loops()
elif model == "uvloop":
    import uvloop
    uvloop.run(main())
elif model == "asyncio":
    asyncio.run(main())
else:
    run_blocking()
