"""Two tasks send a record each over one socket, one after the other."""


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    lock = rt.lock()
    size = params["bytes"]

    async def write(letter):
        async with lock:
            await ours.send_all(letter * size)

    writers = [rt.spawn(write, letter, name=f"writer-{n}") for n, letter in enumerate((b"a", b"b"), 1)]
    await rt.settle()
    records = [await theirs.recv_exactly(size) for _ in writers]
    for task in writers:
        await task.join()
    rt.observe("whole", [len(set(record)) == 1 for record in records])
    ours.close()
    theirs.close()
