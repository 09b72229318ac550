"""A task that holds a lock is cancelled where it waits; another one wants the lock."""

import trireme


async def main(rt, params):
    lock = rt.lock()
    never = rt.event()

    async def first():
        await lock.acquire()
        await never.wait()
        lock.release()

    async def second():
        with rt.op("work") as op:
            async with lock:
                op.ok()

    holder = rt.spawn(first)
    await rt.settle()
    holder.cancel()
    try:
        await holder.join()
    except trireme.Cancelled:
        pass
    await rt.spawn(second).join()
    rt.observe("ended", True)
