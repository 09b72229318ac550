"""transports.py LIBRARY CASE: what reads one socket beside a transport or a callback of asyncio or uvloop, or after it.

READ_TWICE are cases that have two readers, READ_ONCE their twins.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

RECV = {"x86_64": "45 ", "aarch64": "207 "}[os.uname().machine]
TAKES_THE_SOCKET = """\
import socket, sys
_, (passed,), _, _ = socket.recv_fds(socket.socket(fileno=int(sys.argv[1])), 1, 1)
try:
    socket.socket(fileno=passed).recv(1, socket.MSG_DONTWAIT)
except BlockingIOError:
    pass
"""


class Protocol(asyncio.Protocol):
    def __init__(self) -> None:
        self.got = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.got.set()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def transport_of(sock: socket.socket) -> tuple[Any, Protocol]:
    sock.setblocking(False)
    made = await asyncio.get_running_loop().create_connection(Protocol, sock=sock)
    await settle()
    return made


def look(sock: socket.socket) -> None:
    try:
        sock.recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass


async def duplicate(ours: socket.socket, theirs: socket.socket) -> None:
    for transport, _ in [await transport_of(ours.dup()), await transport_of(ours.dup())]:
        transport.close()


async def task(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    ours.setblocking(False)
    reader = asyncio.create_task(asyncio.get_running_loop().sock_recv(ours, 1))
    await settle()
    reader.cancel()
    transport.close()


async def thread_before(ours: socket.socket, theirs: socket.socket) -> None:
    """It sleeps in recv, seen in the kernel, when the stream begins."""
    thread = threading.Thread(target=ours.recv, args=(1,))
    thread.start()
    while not open(f"/proc/self/task/{thread.native_id}/syscall").read().startswith(RECV):
        pass
    _, writer = await asyncio.open_connection(sock=ours.dup())
    theirs.close()
    thread.join()
    writer.close()


async def thread_after(ours: socket.socket, theirs: socket.socket) -> None:
    """The stream waits on, though its loop has read for it."""
    transport, protocol = await transport_of(ours.dup())
    theirs.send(b"1")
    await protocol.got.wait()
    thread = threading.Thread(target=look, args=(ours,))
    thread.start()
    thread.join()
    transport.close()


async def fork(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    child = os.fork()
    if child == 0:
        look(ours)
        os._exit(0)
    os.waitpid(child, 0)
    transport.close()


async def passed(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    one, other = socket.socketpair()
    command = [sys.executable, "-c", TAKES_THE_SOCKET, str(other.fileno())]
    with subprocess.Popen(command, pass_fds=[other.fileno()]) as process:
        socket.send_fds(one, [b"x"], [ours.fileno()])
        process.wait()
    transport.close()


async def datagrams(ours: socket.socket, theirs: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=sock.dup())
        look(sock)
        transport.close()


async def stream(ours: socket.socket, theirs: socket.socket) -> None:
    """The stream refuses the second, whichever loop it has."""
    reader, writer = await asyncio.open_connection(sock=ours)
    tasks = [asyncio.create_task(reader.read(1)) for _ in range(2)]
    await settle()
    theirs.send(b"1")
    await asyncio.wait(tasks)
    assert "another coroutine" in str(tasks[1].exception())
    writer.close()


async def refused(ours: socket.socket, theirs: socket.socket) -> None:
    """The loop refuses the task."""
    transport, _ = await transport_of(ours)
    try:
        await asyncio.get_running_loop().sock_recv(ours, 1)
    except RuntimeError as error:
        assert "used by transport" in str(error)
    transport.close()


class Accepted(asyncio.Protocol):
    def __init__(self, made: asyncio.Queue[Any]) -> None:
        self.made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made.put_nowait(transport)


def look_in_a_thread(transport: asyncio.BaseTransport) -> None:
    copy = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    thread = threading.Thread(target=look, args=(copy,))
    thread.start()
    thread.join()
    copy.close()


async def accepted(ours: socket.socket, theirs: socket.socket) -> None:
    """A transport that a server makes, and a thread."""
    made: asyncio.Queue[Any] = asyncio.Queue()
    protocol = Accepted(made)
    server = await asyncio.get_running_loop().create_server(lambda: protocol, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    transport = await made.get()
    await settle()
    assert vars(protocol) == {"made": made}
    look_in_a_thread(transport)
    transport.close()
    client.close()
    server.close()


async def after_an_accepted_one(ours: socket.socket, theirs: socket.socket) -> None:
    made: asyncio.Queue[Any] = asyncio.Queue()
    server = await asyncio.get_running_loop().create_server(lambda: Accepted(made), "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    transport = await made.get()
    await settle()
    transport.pause_reading()
    look_in_a_thread(transport)
    transport.close()
    client.close()
    server.close()


def tls(side: int) -> ssl.SSLContext:
    """Without a certificate, which only tests may do without."""
    context = ssl.SSLContext(side)
    if side == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA@SECLEVEL=0")
    return context


async def over_tls(look_at: int | None) -> None:
    """A client and a server, and, beside the transport of one of them, a thread."""
    made: asyncio.Queue[Any] = asyncio.Queue()
    loop, ends = asyncio.get_running_loop(), (tls(ssl.PROTOCOL_TLS_CLIENT), tls(ssl.PROTOCOL_TLS_SERVER))
    server = await loop.create_server(lambda: Accepted(made), "127.0.0.1", 0, ssl=ends[1])
    client, protocol = await loop.create_connection(Protocol, *server.sockets[0].getsockname(), ssl=ends[0])
    transports = client, await made.get()
    await settle()
    transports[1].write(b"1")
    await protocol.got.wait()
    if look_at is not None:
        look_in_a_thread(transports[look_at])
    for transport in transports:
        transport.close()
    server.close()


async def tls_client(ours: socket.socket, theirs: socket.socket) -> None:
    await over_tls(0)


async def tls_server(ours: socket.socket, theirs: socket.socket) -> None:
    await over_tls(1)


async def tls_alone(ours: socket.socket, theirs: socket.socket) -> None:
    await over_tls(None)


async def pipe_of() -> tuple[Any, Protocol, int, int]:
    """A transport that reads a pipe, and copies of both of its ends."""
    end, other = os.pipe()
    file = os.fdopen(os.dup(end), "rb", 0)
    transport, protocol = await asyncio.get_running_loop().connect_read_pipe(Protocol, file)
    await settle()
    return transport, protocol, end, other


def look_into(pipe: int) -> None:
    try:
        os.read(pipe, 2)
    except BlockingIOError:
        pass


async def pipe(ours: socket.socket, theirs: socket.socket) -> None:
    transport, protocol, end, other = await pipe_of()
    thread = threading.Thread(target=look_into, args=(end,))
    thread.start()
    thread.join()
    os.write(other, b"12")
    await protocol.got.wait()
    transport.close()


def beside(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Callable[[socket.socket, socket.socket], None]:
    """A thread's transport of uvloop, and one of the other loop here."""

    def run(ours: socket.socket, theirs: socket.socket) -> None:
        stands, ended = threading.Event(), threading.Event()

        async def first() -> None:
            transport, _ = await transport_of(ours.dup())
            stands.set()
            ended.wait()
            transport.close()

        async def second() -> None:
            transport, protocol = await transport_of(ours)
            theirs.send(b"1")
            await protocol.got.wait()
            transport.close()

        thread = threading.Thread(target=uvloop.run, args=(first(),))
        thread.start()
        stands.wait()
        loop = make_loop()
        loop.run_until_complete(second())
        ended.set()
        thread.join()
        loop.close()

    return run


async def callback(ours: socket.socket, theirs: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    loop.add_reader(ours.fileno(), print)
    thread = threading.Thread(target=look, args=(ours,))
    thread.start()
    thread.join()
    loop.remove_reader(ours)


async def callback_and_fork(ours: socket.socket, theirs: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, print)
    child = os.fork()
    if child == 0:
        look(ours)
        os._exit(0)
    os.waitpid(child, 0)
    loop.remove_reader(ours)


async def after_a_callback(ours: socket.socket, theirs: socket.socket) -> None:
    """What it reads, and, once it is removed, a thread and a child."""
    loop, got = asyncio.get_running_loop(), asyncio.Event()

    def take() -> None:
        look(ours)
        got.set()

    loop.add_reader(ours, print)
    loop.add_reader(ours, take)
    theirs.send(b"1")
    await got.wait()
    loop.remove_reader(ours)
    thread = threading.Thread(target=look, args=(ours,))
    thread.start()
    thread.join()
    child = os.fork()
    if child == 0:
        look(ours)
        os._exit(0)
    os.waitpid(child, 0)


async def after_a_closed_one(ours: socket.socket, theirs: socket.socket) -> None:
    for _ in range(3):
        transport, protocol = await transport_of(ours.dup())
        theirs.send(b"1")
        await protocol.got.wait()
        transport.close()


async def after_a_paused_one(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    transport.pause_reading()
    other, protocol = await transport_of(ours)
    theirs.send(b"1")
    await protocol.got.wait()
    transport.close()
    other.close()


async def a_task_after_a_paused_one(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    transport.pause_reading()
    theirs.send(b"1")
    ours.setblocking(False)
    await asyncio.get_running_loop().sock_recv(ours, 1)
    transport.close()


async def after_a_paused_pipe(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _, end, other = await pipe_of()
    transport.pause_reading()
    os.write(other, b"12")
    thread = threading.Thread(target=look_into, args=(end,))
    thread.start()
    thread.join()
    transport.close()


async def writers(ours: socket.socket, theirs: socket.socket) -> None:
    transport, _ = await transport_of(ours.dup())
    thread = threading.Thread(target=ours.send, args=(b"1",))
    thread.start()
    thread.join()
    transport.write(b"2")
    transport.close()


async def both_ends(ours: socket.socket, theirs: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=ours)
    other_reader, other_writer = await asyncio.open_connection(sock=theirs)
    for _ in range(200):
        writer.write(b"request")
        await other_reader.readexactly(7)
        other_writer.write(b"reply")
        await reader.readexactly(5)
    writer.close()
    other_writer.close()


async def tasks_in_turn(ours: socket.socket, theirs: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=ours)
    for _ in range(5):
        theirs.send(b"1")
        await asyncio.create_task(reader.read(1))
    writer.close()


READ_TWICE = {"duplicate": duplicate, "task": task, "thread-before": thread_before, "thread-after": thread_after,
              "fork": fork, "passed": passed, "datagrams": datagrams, "stream": stream, "pipe": pipe, "accepted": accepted,
              "tls-client": tls_client, "tls-server": tls_server, "callback": callback,
              "callback-and-fork": callback_and_fork}
# What is not seen of uvloop's.
ASYNCIO_READS_TWICE = {"refused": refused}
# Who beside them reads, in a process that has uvloop.
LOOPS = ("beside-asyncio", "beside-uvloop")
READ_ONCE = {"after-a-callback": after_a_callback, "after-a-closed-one": after_a_closed_one,
             "after-a-paused-one": after_a_paused_one,
             "a-task-after-a-paused-one": a_task_after_a_paused_one, "after-a-paused-pipe": after_a_paused_pipe,
             "after-an-accepted-one": after_an_accepted_one, "tls-alone": tls_alone, "writers": writers,
             "both-ends": both_ends, "tasks-in-turn": tasks_in_turn}

if __name__ == "__main__":
    library, case = sys.argv[1:]
    if library == "uvloop":
        import uvloop

    pair = socket.socketpair()
    if case in LOOPS:
        beside(asyncio.SelectorEventLoop if case == "beside-asyncio" else uvloop.new_event_loop)(*pair)
    else:
        run = {**READ_TWICE, **ASYNCIO_READS_TWICE, **READ_ONCE}[case](*pair)
        asyncio.run(run) if library == "asyncio" else uvloop.run(run)
