"""Two tasks read one end of a socket pair, the second by a duplicate of its descriptor."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    copy = ours.dup()

    async def read(stream):
        with rt.op("read") as op:
            op.ok(await stream.recv(1))

    readers = []
    for n, stream in enumerate((ours, copy), 1):
        readers.append(rt.spawn(read, stream, name=f"reader-{n}"))
        await rt.settle()
    for byte in (b"1", b"2"):
        await theirs.send_all(byte)
        await rt.settle()

    for task in readers:
        task.cancel()
        try:
            await task.join()
        except (trireme.Cancelled, RuntimeError):
            pass  # one may wait for ever; Eventlet refuses the second
    copy.close()
    ours.close()
    theirs.close()
    rt.observe("ended", True)
