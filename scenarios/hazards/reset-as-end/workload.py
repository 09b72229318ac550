"""The peer resets the connection while a task reads until the end."""

import os
import socket
import struct


def reset(stream):
    """Closes with RST, where close() alone sends FIN."""
    with socket.socket(fileno=os.dup(stream.fileno())) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


async def main(rt, params):
    listener = await rt.listen()
    client = await rt.connect(listener.address)
    server = await listener.accept()

    async def read():
        with rt.op("read") as op:
            try:
                data = b""
                while piece := await client.recv(100):
                    data += piece
                rt.outcome("end")
                op.ok(data.decode())
            except ConnectionResetError as error:
                rt.outcome("reset")
                op.fail(error)

    await server.send_all(b"half of ")
    reader = rt.spawn(read, name="reader")
    await rt.settle()
    reset(server)
    await reader.join()
    client.close()
    listener.close()
    rt.observe("ended", True)
