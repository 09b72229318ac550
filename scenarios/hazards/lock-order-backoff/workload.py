"""Two tasks take two locks in opposite orders, one of them with a limit of time, after which it lets go and tries again."""

import trireme


async def main(rt, params):
    first, second = rt.lock(), rt.lock()
    go = rt.event()

    async def insist():
        await go.wait()
        with rt.op("work") as op:
            async with first, second:
                op.ok()

    async def back_off():
        await go.wait()
        await rt.sleep(0.05)
        with rt.op("work") as op:
            while True:
                async with second:
                    try:
                        async with rt.timeout(1):
                            await first.acquire()
                    except trireme.TimeoutExpired:
                        continue
                    first.release()
                    break
            op.ok()

    tasks = [rt.spawn(insist, name="worker-1"), rt.spawn(back_off, name="worker-2")]
    go.set()
    for task in tasks:
        await task.join()
    rt.observe("ended", True)
