"""A task asks in every turn of the loop whether another one has finished."""


async def main(rt, params):
    ready = []

    async def wait():
        while not ready:
            await rt.sleep(0)

    waiter = rt.spawn(wait, name="waiter")
    with rt.op("prepare") as op:
        await rt.sleep(params["seconds"])
        op.ok()
    ready.append(True)
    await waiter.join()
    rt.observe("ended", True)
