"""Two tasks read one end of a socket pair; the other end then sends a byte for each."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            op.ok(await ours.recv(1))

    readers = []
    for n in (1, 2):
        readers.append(rt.spawn(read, name=f"reader-{n}"))
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
    ours.close()
    theirs.close()
    rt.observe("ended", True)
