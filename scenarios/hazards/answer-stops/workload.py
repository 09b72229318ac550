"""A server answers a request over HTTP; its client has a timeout."""

import asyncio
import http.client

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

    async def by_asyncio():
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await asyncio.wait_for(reader.readexactly(len(ANSWER)), patience)
        finally:
            writer.close()

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
        if params["by"] == "rt":
            return by_rt
        if params["by"] == "eventlet":
            if rt.model != "green":
                raise trireme.Unsupported("eventlet.Timeout is of green threads")
            return by_eventlet
        return by_asyncio if rt.model == "async" else by_http

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
