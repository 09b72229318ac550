"""A task waits to read a socket; a function that was handed to a native thread looks whether something has come on it."""

import os
import posix

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            op.ok(await ours.recv(1))

    def look(fd):
        os.set_blocking(fd, False)
        try:
            posix.read(fd, 1)  # not os.read, which Eventlet has patched
        except BlockingIOError:
            pass

    reader = rt.spawn(read, name="reader")
    await rt.settle()
    await rt.offload(look, ours.fileno())
    reader.cancel()
    try:
        await reader.join()
    except trireme.Cancelled:
        pass
    ours.close()
    theirs.close()
    rt.observe("ended", True)
