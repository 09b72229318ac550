"""A server answers a request over HTTP; its client has a timeout that is long enough."""

import asyncio
import http.client
import socket

import trireme

ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 4000\r\n\r\n" + bytes(4000)


async def main(rt, params):
    listener = await rt.listen()
    patience = params["patience"]

    async def serve():
        stream = await listener.accept()
        await stream.recv_until(b"\r\n\r\n")
        await stream.send_all(ANSWER)
        stream.close()

    async def by_rt():
        stream = await rt.connect(listener.address)
        try:
            await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
            async with rt.timeout(patience):
                await stream.recv_exactly(len(ANSWER))
        finally:
            stream.close()

    async def by_asyncio(deadline):
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await deadline(reader.readexactly(len(ANSWER)))
        finally:
            writer.close()

    async def by_wait_for():
        await by_asyncio(lambda reading: asyncio.wait_for(reading, patience))

    async def by_asyncio_timeout():
        async def deadline(reading):
            async with asyncio.timeout(patience):
                await reading

        await by_asyncio(deadline)

    async def by_socket():
        with socket.create_connection(listener.address, patience) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            got = 0
            while data := sock.recv(len(ANSWER)):
                got += len(data)
            assert got == len(ANSWER)

    def get(timeout):
        connection = http.client.HTTPConnection(*listener.address, timeout=timeout)
        try:
            connection.request("GET", "/")
            with connection.getresponse() as response:
                response.read()
        finally:
            connection.close()

    async def by_http():
        get(patience)

    async def by_eventlet():
        import eventlet

        with eventlet.Timeout(patience, TimeoutError("eventlet.Timeout")):
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
    await server.join()
    listener.close()
    rt.observe("ended", True)
