"""Datagram endpoints."""

import errno
import os

from .support import cancel_in, case, expires_in, raises


async def ask_over(rt, server, client):
    async def answer():
        data, sender = await server.recv_from(100)
        await server.send_to(b"re: " + data, sender)

    answering = rt.spawn(answer)
    await rt.settle()
    await client.send_to(b"hello", server.address)
    assert await client.recv_from(100) == (b"re: hello", server.address)
    await answering.join()
    client.close()
    server.close()
    server.close()


@case
async def datagram_is_answered(rt):
    server = await rt.datagram()
    assert server.address[1] != 0
    client = await rt.datagram(["localhost", 0])
    assert client.fileno() != server.fileno()
    await ask_over(rt, server, client)


@case
async def datagram_is_answered_over_unix(rt):
    await ask_over(rt, await rt.datagram("server.sock"), await rt.datagram("client.sock"))
    assert not os.path.exists("server.sock")


@case
async def datagrams_keep_their_borders(rt):
    async with await rt.datagram() as sender, await rt.datagram() as receiver:
        for data in (b"one", b"", b"three"):
            await sender.send_to(data, list(receiver.address))
        assert await receiver.recv_from(100) == (b"one", sender.address)
        assert await receiver.recv_from(100) == (b"", sender.address)
        assert (await receiver.recv_from(2))[0] == b"th"
        await sender.send_to(b"four", receiver.address)
        assert (await receiver.recv_from())[0] == b"four"


@case
async def datagram_wait_is_ended(rt):
    with await rt.datagram() as endpoint:
        await cancel_in(rt, lambda: endpoint.recv_from(1))
        await expires_in(rt, lambda: endpoint.recv_from(1))
        await endpoint.send_to(b"to itself", endpoint.address)
        assert (await endpoint.recv_from(100))[0] == b"to itself"


@case
async def datagram_errors(rt):
    endpoint = await rt.datagram()
    error = await raises(OSError, endpoint.send_to(b"x" * 70000, endpoint.address))
    assert error.errno == errno.EMSGSIZE
    error = await raises(OSError, rt.datagram(endpoint.address))
    assert error.errno == errno.EADDRINUSE
    endpoint.close()
    for call in (endpoint.send_to(b"x", endpoint.address), endpoint.recv_from(1)):
        assert (await raises(OSError, call)).errno == errno.EBADF
