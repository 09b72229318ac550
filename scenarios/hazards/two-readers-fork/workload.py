"""A task waits to read a socket; a forked child looks whether something has come on it."""

import os
import posix

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            op.ok(await ours.recv(1))

    reader = rt.spawn(read, name="reader")
    await rt.settle()
    child = os.fork()
    if child == 0:
        os.set_blocking(ours.fileno(), False)
        try:
            posix.read(ours.fileno(), 1)  # not os.read, which would wait in a hub of the parent
        except BlockingIOError:
            pass
        finally:
            os._exit(0)
    posix.waitpid(child, 0)
    reader.cancel()
    try:
        await reader.join()
    except trireme.Cancelled:
        pass
    ours.close()
    theirs.close()
    rt.observe("ended", True)
