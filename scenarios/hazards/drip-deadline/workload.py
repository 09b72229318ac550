"""A server drips; its client has a deadline."""

import asyncio
import socket
import time

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
        """rt.timeout around all of it."""
        stream = await rt.connect(listener.address)
        try:
            async with rt.timeout(patience):
                while await stream.recv(1):
                    pass
        finally:
            stream.close()

    async def by_asyncio():
        """asyncio.wait_for around all of it."""
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            await asyncio.wait_for(reader.read(-1), patience)
        finally:
            writer.close()

    async def by_socket():
        """socket.settimeout() with what is left."""
        end = time.monotonic() + patience
        with socket.create_connection(listener.address, patience) as sock:
            while sock.recv(1):
                sock.settimeout(max(end - time.monotonic(), 0.001))

    async def by_asyncio_timeout():
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            async with asyncio.timeout(patience):
                await reader.read(-1)
        finally:
            writer.close()

    async def by_eventlet():
        """Around blocking code of green threads."""
        import eventlet

        deadline = TimeoutError("eventlet.Timeout")
        with eventlet.Timeout(patience, deadline), socket.create_connection(listener.address) as sock:
            while sock.recv(1):
                pass

    def kind():
        if params["by"] == "eventlet" and rt.model != "green":
            raise trireme.Unsupported("eventlet.Timeout is of green threads")
        if params["by"] == "asyncio.timeout":
            if rt.model != "async":
                raise trireme.Unsupported("asyncio.timeout is of coroutines")
            if not hasattr(asyncio, "timeout"):
                raise trireme.Unsupported("asyncio.timeout is there since Python 3.11")
        library = by_asyncio if rt.model == "async" else by_socket
        return {"rt": by_rt, "library": library, "eventlet": by_eventlet,
                "asyncio.timeout": by_asyncio_timeout}[params["by"]]

    async def serve():
        await drip(await listener.accept())

    fetch = kind()
    server = rt.spawn(serve, name="server")
    with rt.op("fetch") as op:
        try:
            op.ok(await fetch())
            rt.outcome("outlasted")
        except (trireme.TimeoutExpired, TimeoutError, asyncio.TimeoutError) as error:
            op.fail(error)
            rt.outcome("stopped")
    await server.join()
    listener.close()
    rt.observe("ended", True)
