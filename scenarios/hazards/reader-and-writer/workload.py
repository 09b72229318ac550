"""One task waits to read a socket and another to write it, both at once."""


async def main(rt, params):
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            op.ok(await ours.recv(1))

    async def write():
        with rt.op("write") as op:
            await ours.send_all(b"x" * params["bytes"])
            op.ok()

    tasks = []
    for task in (read, write):
        tasks.append(rt.spawn(task))
        await rt.settle()
    await theirs.send_all(b"1")
    await theirs.recv_exactly(params["bytes"])
    for task in tasks:
        await task.join()
    ours.close()
    theirs.close()
    rt.observe("ended", True)
