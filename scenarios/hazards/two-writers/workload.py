"""Two tasks send a record each over one socket that nobody reads until both wait."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def write(letter):
        with rt.op("write", letter.decode()) as op:
            await ours.send_all(letter * params["bytes"])
            op.ok()

    async def drain():
        while await theirs.recv(65536):
            pass

    writers = []
    for n, letter in enumerate((b"a", b"b"), 1):
        writers.append(rt.spawn(write, letter, name=f"writer-{n}"))
        await rt.settle()
    drainer = rt.spawn(drain, name="drainer")
    await rt.settle()
    for task in writers:
        task.cancel()
        try:
            await task.join()
        except (trireme.Cancelled, RuntimeError):
            pass  # asyncio forgets the first; Eventlet refuses the second
    ours.close()
    await drainer.join()
    theirs.close()
    rt.observe("ended", True)
