"""A feeder reads lines from a socket; workers take them from a queue."""


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    lines = rt.queue(0)
    seen = []

    async def feed():
        while line := await ours.recv_until(b"\n"):
            await lines.put(int(line))
        for _ in range(params["workers"]):
            await lines.put(None)

    async def work():
        while (line := await lines.get()) is not None:
            seen.append(line)

    tasks = [rt.spawn(work, name=f"worker-{n}") for n in range(params["workers"])]
    tasks.append(rt.spawn(feed, name="feeder"))
    for n in range(params["messages"]):
        await theirs.send_all(b"%d\n" % n)
    theirs.close()
    for task in tasks:
        await task.join()
    ours.close()
    rt.observe("seen", sorted(seen))
