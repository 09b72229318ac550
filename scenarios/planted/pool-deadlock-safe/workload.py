"""A parent in a pool of one waits for a child in another pool."""


async def main(rt, params):
    pool = rt.pool(1)
    children = rt.pool(1)

    async def child():
        return "child"

    async def parent():
        task = await children.submit(child)
        return "parent of " + await task.join()

    with rt.op("parent") as op:
        task = await pool.submit(parent)
        op.ok(await task.join())
    await pool.join()
    await children.join()
    rt.observe("done", True)
