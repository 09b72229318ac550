"""A server never answers; its client has a timeout."""

import asyncio
import http.client

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

    async def by_asyncio():
        reader, writer = await asyncio.open_connection(*listener.address)
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await asyncio.wait_for(reader.read(1), 0.2)
        finally:
            writer.close()

    async def by_http():
        connection = http.client.HTTPConnection(*listener.address, timeout=0.2)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        finally:
            connection.close()

    def kind():
        if params["by"] == "rt":
            return by_rt
        return by_asyncio if rt.model == "async" else by_http

    server = rt.spawn(serve, name="server")
    with rt.op("ask") as op:
        try:
            await kind()()
            rt.outcome("answered")
            op.ok()
        except (trireme.TimeoutExpired, TimeoutError, asyncio.TimeoutError) as error:
            rt.outcome("timed-out")
            op.fail(error)
    given_up.set()
    await server.join()
    listener.close()
    rt.observe("ended", True)
