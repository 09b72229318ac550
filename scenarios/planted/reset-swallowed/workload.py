"""Clients download from a server until it ends, however it does."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    received = []

    async def serve(stream):
        try:
            await stream.send_all(bytes(params["bytes"]))
        except OSError:
            pass  # the client's affair
        stream.close()

    async def accept():
        while True:
            rt.spawn(serve, await listener.accept(), name="connection")

    async def download():
        with rt.op("download", params["bytes"]) as op:
            stream = await rt.connect(listener.address)
            data = b""
            try:
                while piece := await stream.recv(4096):
                    data += piece
            except OSError:
                pass
            stream.close()
            received.append(len(data))
            op.ok()


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
