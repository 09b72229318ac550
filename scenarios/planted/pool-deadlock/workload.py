"""A parent in a pool of one waits for a child that it submits to the same pool."""


async def main(rt, params):
    pool = rt.pool(1)

    async def child():
        return "child"

    async def parent():
        task = await pool.submit(child)
        return "parent of " + await task.join()

    with rt.op("parent") as op:
        task = await pool.submit(parent)
        op.ok(await task.join())
    await pool.join()
    rt.observe("done", True)
