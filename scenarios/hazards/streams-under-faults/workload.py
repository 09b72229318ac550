"""Clients send requests of 64 bytes and want them back; who loses a connection takes a new one and asks the next."""

import trireme

SIZE = 64


async def main(rt, params):
    listener = await rt.listen()
    broken = []
    connections = []

    async def echo(stream):
        try:
            while True:
                await stream.send_all(await stream.recv_exactly(SIZE))
        except (OSError, EOFError):
            stream.close()

    async def serve():
        while True:
            connections.append(rt.spawn(echo, await listener.accept()))

    async def client(number):
        answered = 0
        stream = None
        for n in range(params["requests"]):
            request = b"%05d %05d" % (number, n) + b"." * (SIZE - 11)
            with rt.op("echo", n) as op:
                try:
                    stream = stream or await rt.connect(listener.address)
                    await stream.send_all(request)
                    answer = await stream.recv_exactly(SIZE)
                    op.ok(answer == request)
                    answered += answer == request
                except (OSError, EOFError):
                    op.fail("lost")
                    broken.append(n)
                    if stream is not None:
                        stream.close()
                    stream = None
        if stream is not None:
            stream.close()
        return answered

    server = rt.spawn(serve, name="server")
    clients = [rt.spawn(client, n, name=f"client-{n}") for n in range(params["clients"])]
    rt.observe("answered", await rt.gather(*clients))
    rt.observe("broken", len(broken))
    for connection in connections:
        await connection.join()
    server.cancel()
    try:
        await server.join()
    except trireme.Cancelled:
        listener.close()
