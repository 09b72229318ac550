"""One end of a connection speaks before it listens."""


async def main(rt, params):
    listener = await rt.listen()

    async def serve():
        with await listener.accept() as stream:
            await stream.recv_exactly(4)
            await stream.send_all(b"pong")

    server = rt.spawn(serve, name="server")
    with listener, await rt.connect(listener.address) as stream:
        await stream.send_all(b"ping")
        rt.observe("answer", await stream.recv_exactly(4))
        await server.join()
