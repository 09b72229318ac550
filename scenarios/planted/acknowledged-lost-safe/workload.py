"""Clients put numbers of eight bytes each into a server, which acknowledges each."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    stored = []

    async def serve(stream):
        try:
            while (line := await stream.recv_until(b"\n")) not in (b"", b"goodbye\n"):
                stored.append(int(line))
                await stream.send_all(b"stored\n")
        except OSError:
            pass  # the client's affair
        stream.close()

    async def accept():
        while True:
            rt.spawn(serve, await listener.accept(), name="connection")

    async def put(client):
        stream = await rt.connect(listener.address)
        try:
            for number in range(params["puts"]):
                value = 100 * client + number
                with rt.op("put", value) as op:
                    await stream.send_all(b"%07d\n" % value)
                    if await stream.recv_until(b"\n") != b"stored\n":
                        op.fail("no answer")
                        break
                    op.ok()
            else:
                await stream.send_all(b"goodbye\n")
                await stream.recv(1)
        except OSError:
            pass  # what it had no answer to, it does not count on
        stream.close()

    server = rt.spawn(accept, name="server")
    await rt.gather(*[rt.spawn(put, n, name=f"client-{n}") for n in range(params["clients"])])
    await rt.settle()
    server.cancel()
    try:
        await server.join()
    except trireme.Cancelled:
        pass
    listener.close()
    rt.observe("final", sorted(stored))
