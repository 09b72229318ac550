"""Two tasks take two locks in opposite orders; the first is joined before the second begins."""


async def main(rt, params):
    first, second = rt.lock(), rt.lock()

    async def work(outer, inner):
        with rt.op("work") as op:
            async with outer, inner:
                op.ok()

    for n, locks in enumerate(((first, second), (second, first)), 1):
        await rt.spawn(work, *locks, name=f"worker-{n}").join()
    rt.observe("ended", True)
