"""Writers call send() of the socket itself, once a message."""

import os
import socket


async def main(rt, params):
    listener = await rt.listen()
    message = bytes(params["bytes"])
    began, all_began = [], rt.event()

    async def write():
        stream = await rt.connect(listener.address)
        sock = socket.socket(fileno=os.dup(stream.fileno()))
        for _ in range(params["messages"]):
            with rt.op("write", len(message)) as op:
                began.append(op)
                if len(began) == params["writers"]:
                    all_began.set()
                await all_began.wait()  # so that their first messages are surely concurrent
                sock.send(message)
                op.ok()
        sock.close()
        stream.close()

    async def read(stream):
        size = 0
        while data := await stream.recv(4096):
            size += len(data)
        stream.close()
        return size

    writers = [rt.spawn(write, name=f"writer-{n}") for n in range(params["writers"])]
    readers = [rt.spawn(read, await listener.accept(), name="reader") for _ in writers]
    await rt.gather(*writers)
    rt.observe("received", sum(await rt.gather(*readers)))
    listener.close()
