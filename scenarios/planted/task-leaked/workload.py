"""A watcher is started and forgotten."""


async def main(rt, params):
    stop = rt.event()

    async def watch():
        await stop.wait()

    rt.spawn(watch, name="watcher")
    await rt.settle()
    rt.observe("started", True)
