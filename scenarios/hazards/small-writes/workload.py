"""Questions in two small writes each, without TCP_NODELAY."""

import os
import socket
import statistics


def set_no_delay(stream, value):
    with socket.socket(fileno=os.dup(stream.fileno())) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, value)


async def main(rt, params):
    listener = await rt.listen()
    client = await rt.connect(listener.address)
    server = await listener.accept()
    for stream in (client, server):
        set_no_delay(stream, 0)

    async def answer():
        for _ in range(params["rounds"]):
            await server.recv_exactly(2)
            await server.send_all(b".")

    answerer = rt.spawn(answer, name="server")
    took = []
    with rt.op("ask", params["rounds"]) as op:
        for _ in range(params["rounds"]):
            begin = rt.now()
            await client.send_all(b"h")  # a head
            await client.send_all(b"b")  # and a body
            await client.recv_exactly(1)
            took.append(rt.now() - begin)
        op.ok()
    await answerer.join()
    rt.metric("round trip", statistics.median(took) * 1e3, "ms")
    rt.outcome("delayed" if statistics.median(took) > 0.03 else "prompt")
    for stream in (client, server, listener):
        stream.close()
    rt.observe("ended", True)
