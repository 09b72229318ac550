"""Two tasks hold a lock each and want the other's for a while; main does not wait for them."""

import trireme


async def main(rt, params):
    first, second = rt.lock(), rt.lock()
    go = rt.event()

    async def work(outer, inner):
        async with outer:
            await go.wait()
            try:
                async with rt.timeout(10), inner:
                    pass
            except trireme.TimeoutExpired:
                pass

    rt.spawn(work, first, second, name="worker-1")
    rt.spawn(work, second, first, name="worker-2")
    await rt.settle()
    go.set()
    await rt.settle()
    rt.observe("ended", True)
