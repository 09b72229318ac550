"""A task gives back the lock that it took; another one wants it."""


async def main(rt, params):
    lock = rt.lock()
    go = rt.event()

    async def first():
        await lock.acquire()
        await go.wait()
        lock.release()

    async def second():
        with rt.op("work") as op:
            async with lock:
                op.ok()

    tasks = []
    for fn in (first, second):
        tasks.append(rt.spawn(fn))
        await rt.settle()
    go.set()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
