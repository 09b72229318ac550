"""One task reads a stream on and on; another reads it once, when there is something to read."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    emptied = rt.event()

    async def reads_on():
        while True:
            with rt.op("read") as op:
                op.ok(await ours.recv(100))
            emptied.set()

    async def reads_once():
        await emptied.wait()
        await theirs.send_all(b"2")
        with rt.op("read") as op:
            op.ok(await ours.recv(100))

    readers = [rt.spawn(reads_on), rt.spawn(reads_once)]
    await rt.settle()
    await theirs.send_all(b"1")
    await rt.settle()

    for task in readers:
        task.cancel()
        try:
            await task.join()
        except trireme.Cancelled:
            pass
    ours.close()
    theirs.close()
    rt.observe("ended", True)
