"""Connections and listeners."""

import errno
import os

from .support import case, pair, raises, within


async def echo(rt, listener):
    async def serve():
        stream = await listener.accept()
        while data := await stream.recv(100):
            await stream.send_all(data)
        stream.close()

    server = rt.spawn(serve)
    stream = await rt.connect(listener.address)
    await stream.send_all(b"hello")
    assert await stream.recv_exactly(5) == b"hello"
    stream.close()
    await server.join()
    listener.close()


@case
async def echo_over_tcp(rt):
    await echo(rt, await rt.listen())


@case
async def echo_over_unix(rt):
    await echo(rt, await rt.listen(path="echo.sock"))
    assert not os.path.exists("echo.sock")


@case
async def recv_returns_empty_at_end(rt):
    client, server = await pair(rt)
    await client.send_all(b"x")
    client.close()
    assert await server.recv(10) == b"x"
    assert await server.recv(10) == b""
    assert await server.recv(10) == b""
    server.close()


@case
async def recv_of_nothing(rt):
    client, server = await pair(rt)
    assert await within(rt, 30, lambda: server.recv(0)) == b""
    await client.send_all(b"ab")
    assert await server.recv(0) == b""
    assert await server.recv(2) == b"ab"
    server.close()
    error = await raises(OSError, server.recv(0))
    assert error.errno == errno.EBADF


@case
async def recv_exactly_collects(rt):
    client, server = await pair(rt)

    async def send():
        for byte in b"abcdef":
            await client.send_all(bytes([byte]))
            await rt.checkpoint()
        client.close()

    task = rt.spawn(send)
    assert await server.recv_exactly(4) == b"abcd"
    await raises(EOFError, server.recv_exactly(4))
    await task.join()
    server.close()


@case
async def recv_until_separator(rt):
    client, server = await pair(rt)
    await client.send_all(b"one\ntwo\nthree")
    assert await server.recv_until(b"\n") == b"one\n"
    assert await server.recv_until(b"\n") == b"two\n"
    assert await server.recv_exactly(2) == b"th"
    assert await server.recv(100) == b"ree"
    client.close()
    server.close()


@case
async def recv_until_end(rt):
    client, server = await pair(rt)
    await client.send_all(b"no end")
    client.close()
    assert await server.recv_until(b"\n") == b""
    server.close()


@case
async def recv_until_long_separator(rt):
    client, server = await pair(rt)

    async def send():
        await client.send_all(b"head\r\n\r")
        await rt.settle()
        await client.send_all(b"\nbody")

    task = rt.spawn(send)
    assert await server.recv_until(b"\r\n\r\n") == b"head\r\n\r\n"
    assert await server.recv_exactly(4) == b"body"
    await task.join()
    client.close()
    server.close()


@case
async def send_all_large(rt):
    client, server = await pair(rt)
    data = bytes(range(256)) * (8 << 12)

    async def send(stream):
        await stream.send_all(data)
        stream.shutdown()

    async def read(stream):
        received = bytearray()
        while part := await stream.recv(1 << 16):
            received += part
        return bytes(received)

    sending = [rt.spawn(send, client), rt.spawn(send, server)]
    await rt.settle()
    for received in await rt.gather(rt.spawn(read, server), rt.spawn(read, client)):
        assert received == data
    await rt.gather(*sending)
    client.close()
    server.close()


@case
async def half_close(rt):
    client, server = await pair(rt)
    client.shutdown()
    assert await server.recv(1) == b""
    await server.send_all(b"still here")
    assert await client.recv_exactly(10) == b"still here"
    client.close()
    server.close()


@case
async def close_twice(rt):
    client, server = await pair(rt)
    for stream in (client, server, client, server):
        stream.close()
    listener = await rt.listen()
    listener.close()
    listener.close()


@case
async def use_after_close(rt):
    client, server = await pair(rt)
    client.close()
    for call in (client.recv(1), client.send_all(b"x"), client.recv_until(b"x"), client.recv_exactly(1)):
        error = await raises(OSError, call)
        assert error.errno == errno.EBADF
    server.close()


@case
async def close_wakes_nobody_else(rt):
    client, server = await pair(rt)
    task = rt.spawn(server.recv, 1)
    await rt.settle()
    client.close()
    assert await task.join() == b""
    server.close()


@case
async def connect_refused(rt):
    listener = await rt.listen()
    listener.close()
    await raises(ConnectionRefusedError, rt.connect(listener.address))


@case
async def send_to_closed_peer(rt):
    client, server = await pair(rt)
    server.close()

    async def send():
        while True:
            await client.send_all(b"x" * 1000)

    try:
        await send()
    except (BrokenPipeError, ConnectionResetError):
        client.close()
        return
    raise AssertionError


@case
async def dup_is_another_descriptor(rt):
    client, server = await pair(rt)
    copy = client.dup()
    assert copy.fileno() != client.fileno()
    client.close()
    await copy.send_all(b"x")
    assert await server.recv(1) == b"x"
    copy.close()
    assert await server.recv(1) == b""
    server.close()


@case
async def fileno_is_a_socket(rt):
    client, server = await pair(rt)
    assert os.readlink(f"/proc/self/fd/{client.fileno()}").startswith("socket:")
    client.close()
    server.close()


@case
async def two_listeners_two_ports(rt):
    one, other = await rt.listen(), await rt.listen()
    assert one.address != other.address
    one.close()
    other.close()
