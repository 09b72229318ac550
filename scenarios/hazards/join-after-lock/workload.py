"""Main gives the lock back before it joins the task that waits for it."""


async def main(rt, params):
    lock = rt.lock()

    async def work():
        with rt.op("work") as op:
            async with lock:
                op.ok()

    async with lock:
        task = rt.spawn(work, name="worker")
        await rt.settle()
    await task.join()
    rt.observe("ended", True)
