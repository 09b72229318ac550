"""Clients have a server do their work step by step, and keep a lease alive meanwhile."""

import trireme


async def main(rt, params):
    listener = await rt.listen()

    async def serve(stream):
        try:
            while await stream.recv_until(b"\n"):
                await stream.send_all(b"done\n")
        except OSError:
            pass  # the client's affair
        stream.close()

    async def accept():
        connections = []
        for n in range(params["clients"]):
            connections.append(rt.spawn(serve, await listener.accept(), name=f"connection-{n}"))
        await rt.gather(*connections)

    async def renew():
        while True:
            await rt.sleep(params["interval"])

    async def stop(heartbeat):
        heartbeat.cancel()
        try:
            await heartbeat.join()
        except trireme.Cancelled:
            pass

    async def step(stream, number):
        with rt.op("step", number) as op:
            await stream.send_all(b"step\n")
            if await stream.recv_until(b"\n") != b"done\n":
                raise EOFError("no answer")
            op.ok()

    async def work(stream):
        heartbeat = rt.spawn(renew, name="heartbeat")
        try:
            for number in range(params["steps"]):
                await step(stream, number)
        finally:
            await stop(heartbeat)

    async def client():
        stream = await rt.connect(listener.address)
        try:
            await work(stream)
        except (OSError, EOFError):
            pass  # the step that failed says so
        finally:
            stream.close()

    server = rt.spawn(accept, name="server")
    clients = [rt.spawn(client, name=f"client-{n}") for n in range(params["clients"])]
    await rt.gather(*clients, server)
    listener.close()
    rt.observe("ended", True)
