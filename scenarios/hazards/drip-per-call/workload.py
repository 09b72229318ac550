"""A server drips; its client has a timeout for each read."""

import asyncio
import socket

import trireme


async def main(rt, params):
    listener = await rt.listen()
    patience = params["patience"]

    async def drip(stream):
        try:
            for _ in range(params["bytes"]):
                await rt.sleep(0.05)
                await stream.send_all(b".")
        except OSError:
            pass  # the client lost its patience
        stream.close()

    async def by_rt():
        """rt.timeout around each read."""
        stream = await rt.connect(listener.address)
        size = 0
        while True:
            async with rt.timeout(patience):
                data = await stream.recv(1)
            if not data:
                stream.close()
                return size
            size += len(data)

    async def by_asyncio():
        """asyncio.wait_for around each read."""
        reader, writer = await asyncio.open_connection(*listener.address)
        size = 0
        while data := await asyncio.wait_for(reader.read(1), patience):
            size += len(data)
        writer.close()
        return size

    async def by_socket():
        """socket.settimeout(), which is for each call."""
        with socket.create_connection(listener.address, patience) as sock:
            size = 0
            while data := sock.recv(1):
                size += len(data)
            return size

    def kind():
        if params["by"] == "rt":
            return "rt"
        return "asyncio" if rt.model == "async" else "socket"

    async def serve():
        await drip(await listener.accept())

    server = rt.spawn(serve, name="server")
    with rt.op("fetch") as op:
        try:
            op.ok(await {"rt": by_rt, "asyncio": by_asyncio, "socket": by_socket}[kind()]())
            rt.outcome("outlasted")
        except (trireme.TimeoutExpired, TimeoutError, asyncio.TimeoutError) as error:
            op.fail(error)
            rt.outcome("stopped")
    await server.join()
    listener.close()
    rt.observe("ended", True)
