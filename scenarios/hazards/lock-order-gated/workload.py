"""Two tasks take two locks in opposite orders, each while it holds a third one."""


async def main(rt, params):
    first, second = rt.lock(), rt.lock()
    go = rt.event()
    gate = rt.lock()

    async def work(delay, outer, inner):
        await go.wait()
        await rt.sleep(delay)
        with rt.op("work") as op:
            async with gate, outer, inner:
                op.ok()

    tasks = [rt.spawn(work, 0, first, second, name="worker-1"), rt.spawn(work, 0.05, second, first, name="worker-2")]
    go.set()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
