"""A server answers a question on each connection; it was written for green threads and ported to the others."""

import email.utils
import uuid


async def main(rt, params):
    listener = await rt.listen()
    original = rt.model == "green"

    def answer():
        date = email.utils.formatdate(usegmt=True)
        return [b"id: %s, %s\n" % (uuid.uuid4().hex.encode(), date.encode()), b"stock: 4\n"]

    async def serve():
        for _ in range(params["clients"]):
            stream = await listener.accept()
            await stream.recv_until(b"\n")
            for piece in [b"".join(answer())] if original else answer():
                await stream.send_all(piece)
            stream.close()

    async def ask():
        stream = await rt.connect(listener.address)
        await stream.send_all(b"item?\n")
        try:
            while await stream.recv(100):
                pass
        except OSError:
            pass  # it has its answer
        stream.close()

    server = rt.spawn(serve, name="server")
    for number in range(params["clients"]):
        await rt.spawn(ask, name=f"client-{number}").join()
    await server.join()
    listener.close()
