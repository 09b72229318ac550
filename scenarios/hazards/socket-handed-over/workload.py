"""Readers take turns at one socket; the last one replaces a reader that timed out."""

import trireme


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    turns = [rt.queue(1) for _ in range(params["readers"] + 1)]
    lines = []

    async def read(turn):
        stream = await turns[turn].get()
        lines.append(await stream.recv_until(b"\n"))
        await turns[turn + 1].put(stream)

    async def time_out(stream):
        try:
            async with rt.timeout(0.01):
                await stream.recv(1)
        except trireme.TimeoutExpired:
            return True
        return False

    tasks = [rt.spawn(read, turn, name=f"reader-{turn}") for turn in range(params["readers"])]
    await turns[0].put(ours)
    await rt.settle()
    for n in range(params["readers"]):
        await theirs.send_all(b"%d\n" % n)
    for task in tasks:
        await task.join()
    rt.observe("timed out", await rt.spawn(time_out, ours, name="impatient").join())
    last = rt.spawn(ours.recv, 4, name="replacement")
    await rt.settle()
    await theirs.send_all(b"last")
    rt.observe("last", (await last.join()).decode())
    rt.observe("lines", [line.decode() for line in lines])
    ours.close()
    theirs.close()
