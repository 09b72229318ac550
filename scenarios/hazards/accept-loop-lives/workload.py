"""A server tries again, a little later, when accept() fails."""

import trireme


async def main(rt, params):
    listener = await rt.listen()

    async def serve():
        while True:
            try:
                stream = await listener.accept()
            except OSError:
                await rt.sleep(0.01)
                continue
            await stream.send_all(b"hello\n")
            stream.close()

    server = rt.spawn(serve, name="server")
    client = await rt.connect(listener.address)
    with rt.op("ask") as op:
        try:
            async with rt.timeout(params["patience"]):
                op.ok((await client.recv_until(b"\n")).decode())
            rt.outcome("answered")
        except trireme.TimeoutExpired as error:
            op.fail(error)
            rt.outcome("unanswered")
    client.close()
    server.cancel()
    listener.close()
    rt.observe("ended", True)
