"""A server answers each question with four lines; it was written for green threads and ported to the others."""

import email.utils
import uuid


async def main(rt, params):
    listener = await rt.listen()
    original = rt.model == "green"

    def lines():
        stock, price = b"stock: 4\n", b"price: 7\n"
        told = [stock, price] if original else [price, stock]
        return [b"id: %s\n" % uuid.uuid4().hex.encode(), b"date: %s\n" % email.utils.formatdate(usegmt=True).encode(), *told]

    async def serve():
        stream = await listener.accept()
        while await stream.recv_until(b"\n"):
            for piece in [b"".join(lines())] if original else lines():
                await stream.send_all(piece)
        stream.close()

    server = rt.spawn(serve, name="server")
    stream = await rt.connect(listener.address)
    for number in range(params["questions"]):
        await stream.send_all(b"item %d\n" % number)
        for _ in range(4):
            await stream.recv_until(b"\n")
    stream.close()
    await server.join()
    listener.close()
