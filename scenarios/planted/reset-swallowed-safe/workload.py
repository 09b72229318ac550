"""Clients download from a server that says how much will come, until they have it."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    received = []

    async def serve(stream):
        try:
            await stream.send_all(b"%d\n" % params["bytes"] + bytes(params["bytes"]))
        except OSError:
            pass  # the client's affair
        stream.close()

    async def accept():
        while True:
            rt.spawn(serve, await listener.accept(), name="connection")

    async def download():
        with rt.op("download", params["bytes"]) as op:
            while (data := await fetch()) is None:
                pass
            received.append(len(data))
            op.ok()

    async def fetch():
        """All of what the server sends; None where it did not come."""
        stream = await rt.connect(listener.address)
        try:
            size = await stream.recv_until(b"\n")
            return await stream.recv_exactly(int(size)) if size else None
        except (OSError, EOFError):
            return None
        finally:
            stream.close()

    server = rt.spawn(accept, name="server")
    clients = [rt.spawn(download, name=f"client-{n}") for n in range(params["clients"])]
    await rt.gather(*clients)
    server.cancel()
    try:
        await server.join()
    except trireme.Cancelled:
        pass
    listener.close()
    rt.observe("received", sum(received))
