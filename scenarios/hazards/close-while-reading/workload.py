"""Main closes the stream that a task waits to read, and stops the task if that did not wake it."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            try:
                op.ok(len(await ours.recv(1)))
            except OSError as error:
                op.fail(error)

    reader = rt.spawn(read, name="reader")
    await rt.settle()
    ours.close()
    await rt.settle()
    rt.outcome("woken" if reader.done() else "left-waiting")
    reader.cancel()
    try:
        await reader.join()
    except trireme.Cancelled:
        pass
    theirs.close()
    rt.observe("ended", True)
