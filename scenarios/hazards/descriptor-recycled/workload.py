"""A socket is closed while a task waits to read it, and its number is given to another socket, which is read."""

import os

import trireme


async def main(rt, params):
    old, old_peer = await rt.socketpair()
    new, new_peer = await rt.socketpair()
    number = old.fileno()

    async def read(stream):
        with rt.op("read") as op:
            op.ok(await stream.recv(1))

    first = rt.spawn(read, old, name="reader-of-the-old")
    await rt.settle()
    os.dup2(new.fileno(), number)  # closes the old one
    second = rt.spawn(read, new, name="reader-of-the-new")
    await rt.settle()
    await new_peer.send_all(b"n")
    await second.join()
    first.cancel()
    try:
        await first.join()
    except (trireme.Cancelled, OSError):
        pass
    for stream in (old, old_peer, new, new_peer):
        stream.close()
    rt.observe("ended", True)
