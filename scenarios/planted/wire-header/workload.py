"""A server answers requests over HTTP; it was written for green threads and ported to the others."""

import email.utils
import uuid


async def main(rt, params):
    listener = await rt.listen()
    original = rt.model == "green"

    def head():
        charset = b"; charset=utf-8" if original else b""
        headers = [
            b"Date: " + email.utils.formatdate(usegmt=True).encode(),
            b"X-Request-Id: " + uuid.uuid4().hex.encode(),
            b"Content-Type: text/plain" + charset,
            b"Transfer-Encoding: chunked",
        ]
        if not original:
            headers.reverse()
        return b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"", b""])

    def body():
        pieces = [b"stock: 4, price: 7"] if original else [b"stock: 4", b", price: 7"]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])

    async def serve():
        stream = await listener.accept()
        while await stream.recv_until(b"\r\n\r\n"):
            await stream.send_all(head())
            await stream.send_all(body())
        stream.close()

    server = rt.spawn(serve, name="server")
    stream = await rt.connect(listener.address)
    for number in range(params["requests"]):
        await stream.send_all(b"GET /item/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % number)
        await stream.recv_until(b"\r\n\r\n")
        await stream.recv_until(b"\r\n0\r\n\r\n")
    stream.close()
    await server.join()
    listener.close()
