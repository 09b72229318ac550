"""Two green threads read one end of a socket pair, which Eventlet was told to let happen."""

import eventlet.debug

import trireme


async def main(rt, params):
    eventlet.debug.hub_prevent_multiple_readers(False)
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
