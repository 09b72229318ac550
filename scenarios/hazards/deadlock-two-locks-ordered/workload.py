"""Two tasks want the same two locks, in one order."""


async def main(rt, params):
    first, second = rt.lock(), rt.lock()
    go = rt.event()

    async def work(outer, inner):
        with rt.op("work") as op:
            async with outer:
                await go.wait()
                async with inner:
                    op.ok()

    tasks = [rt.spawn(work, first, second, name="worker-1"), rt.spawn(work, first, second, name="worker-2")]
    await rt.settle()
    go.set()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
