"""Two tasks wait to accept; two connections come."""


async def main(rt, params):
    listener = await rt.listen()

    async def serve():
        with rt.op("accept") as op:
            stream = await listener.accept()
            op.ok()
            stream.close()

    servers = []
    for n in (1, 2):
        servers.append(rt.spawn(serve, name=f"server-{n}"))
        await rt.settle()
    for _ in servers:
        stream = await rt.connect(listener.address)
        await stream.recv(1)
        stream.close()
    for task in servers:
        await task.join()
    listener.close()
    rt.observe("ended", True)
