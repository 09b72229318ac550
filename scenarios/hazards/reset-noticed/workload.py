"""The peer resets the connection in the middle of a message whose length is known."""

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
                op.ok((await client.recv_exactly(16)).decode())
                rt.outcome("whole")
            except (OSError, EOFError) as error:
                rt.outcome("incomplete")
                op.fail(error)

    await server.send_all(b"half of ")
    reader = rt.spawn(read, name="reader")
    await rt.settle()
    reset(server)
    await reader.join()
    client.close()
    listener.close()
    rt.observe("ended", True)
