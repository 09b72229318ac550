"""One task takes a lock again and again, another wants it once."""


async def main(rt, params):
    lock = rt.lock()

    async def hog():
        for _ in range(params["rounds"]):
            async with lock:
                await rt.sleep(0.0005)

    async def wait():
        with rt.op("lock") as op:
            async with lock:
                op.ok()

    await lock.acquire()
    tasks = [rt.spawn(hog, name="hog"), rt.spawn(wait, name="waiter")]
    await rt.settle()
    lock.release()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
