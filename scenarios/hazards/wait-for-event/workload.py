"""A task waits until another one has finished."""


async def main(rt, params):
    ready = rt.event()

    async def wait():
        await ready.wait()

    waiter = rt.spawn(wait, name="waiter")
    with rt.op("prepare") as op:
        await rt.sleep(params["seconds"])
        op.ok()
    ready.set()
    await waiter.join()
    rt.observe("ended", True)
