"""Two tasks that happen to come one after the other take two locks, in opposite orders."""


async def main(rt, params):
    first, second = rt.lock(), rt.lock()
    go = rt.event()

    async def work(delay, outer, inner):
        await go.wait()
        await rt.sleep(delay)
        with rt.op("work") as op:
            async with outer, inner:
                op.ok()

    tasks = [rt.spawn(work, 0, first, second, name="worker-1"), rt.spawn(work, 0.05, second, first, name="worker-2")]
    go.set()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
