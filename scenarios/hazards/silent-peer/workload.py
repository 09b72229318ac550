"""A server never answers; its client has a timeout."""

import asyncio
import http.client
import socket

import trireme


async def main(rt, params):
    listener = await rt.listen()
    asked = rt.event()
    given_up = rt.event()

    async def serve():
        stream = await listener.accept()
        await stream.recv(1000)
        asked.set()
        await given_up.wait()
        stream.close()

    async def by_rt():
        stream = await rt.connect(listener.address)
        try:
            await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
            await asked.wait()
            async with rt.timeout(0.2):
                await stream.recv(1)
        finally:
            stream.close()

    async def by_asyncio(deadline):
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await deadline(reader.read(1))
        finally:
            writer.close()

    async def by_wait_for():
        await by_asyncio(lambda reading: asyncio.wait_for(reading, 0.2))

    async def by_asyncio_timeout():
        async def deadline(reading):
            async with asyncio.timeout(0.2):
                await reading

        await by_asyncio(deadline)

    def get(timeout):
        connection = http.client.HTTPConnection(*listener.address, timeout=timeout)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        finally:
            connection.close()

    async def by_http():
        get(0.2)

    async def by_socket():
        with socket.create_connection(listener.address, 0.2) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            sock.recv(1)

    async def by_eventlet():
        import eventlet

        with eventlet.Timeout(0.2, TimeoutError("eventlet.Timeout")):
            get(None)

    def kind():
        if params["by"] == "eventlet" and rt.model != "green":
            raise trireme.Unsupported("eventlet.Timeout is of green threads")
        if params["by"] == "socket" and rt.model == "async":
            raise trireme.Unsupported("the timeout of a socket is of code that blocks")
        if params["by"] == "asyncio.timeout":
            if rt.model != "async":
                raise trireme.Unsupported("asyncio.timeout is of coroutines")
            if not hasattr(asyncio, "timeout"):
                raise trireme.Unsupported("asyncio.timeout is there since Python 3.11")
        library = by_wait_for if rt.model == "async" else by_http
        return {"rt": by_rt, "library": library, "socket": by_socket, "eventlet": by_eventlet,
                "asyncio.timeout": by_asyncio_timeout}[params["by"]]

    ask = kind()
    server = rt.spawn(serve, name="server")
    with rt.op("ask") as op:
        try:
            await ask()
            rt.outcome("answered")
            op.ok()
        except (trireme.TimeoutExpired, TimeoutError, asyncio.TimeoutError) as error:
            rt.outcome("timed-out")
            op.fail(error)
    given_up.set()
    await server.join()
    listener.close()
    rt.observe("ended", True)
