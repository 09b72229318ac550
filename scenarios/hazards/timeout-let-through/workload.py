"""A read with a timeout, below a handler for the errors of a connection."""

import asyncio
import socket


async def main(rt, params):
    ours, theirs = socket.socketpair()

    async def read():
        """Gives None for an error that it thinks it can go on after."""
        try:
            return await receive()
        except ConnectionError:
            return None

    async def receive():
        if rt.model == "async":
            ours.setblocking(False)
            return await asyncio.get_running_loop().sock_recv(ours, 1)
        return ours.recv(1)

    async def read_in_time():
        if rt.model == "async":
            return await asyncio.wait_for(read(), 0.2)
        if rt.model == "native":
            ours.settimeout(0.2)
            return await read()
        import eventlet

        with eventlet.Timeout(0.2):
            return await read()

    with rt.op("read") as op:
        try:
            await read_in_time()
            rt.outcome("swallowed")
            op.ok()
        except BaseException as error:  # eventlet.Timeout is no Exception
            rt.outcome("escaped")
            op.fail(error)
    ours.close()
    theirs.close()
    rt.observe("ended", True)
