"""Both ends of a connection wait for the other to speak first."""


async def main(rt, params):
    listener = await rt.listen()

    async def serve():
        with await listener.accept() as stream:
            await stream.recv_exactly(4)
            await stream.send_all(b"pong")

    server = rt.spawn(serve, name="server")
    with listener, await rt.connect(listener.address) as stream:
        rt.observe("answer", await stream.recv_exactly(4))
        await stream.send_all(b"ping")
        await server.join()
