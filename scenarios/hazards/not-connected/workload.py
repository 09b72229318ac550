"""A task reads from a socket that was never connected."""

import asyncio
import socket

import trireme


async def receive(rt, sock):
    if rt.model == "async":
        sock.setblocking(False)
        return await asyncio.get_running_loop().sock_recv(sock, 1)
    return sock.recv(1)


async def main(rt, params):
    with socket.socket() as sock, rt.op("read") as op:
        try:
            async with rt.timeout(0.5):
                await receive(rt, sock)
        except OSError as error:
            rt.outcome("raised")
            op.fail(error)
        except trireme.TimeoutExpired as error:
            rt.outcome("waited")
            op.fail(error)
    rt.observe("ended", True)
