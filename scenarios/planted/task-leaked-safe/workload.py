"""A watcher is started, stopped and joined."""


async def main(rt, params):
    stop = rt.event()

    async def watch():
        await stop.wait()

    watcher = rt.spawn(watch, name="watcher")
    await rt.settle()
    rt.observe("started", True)
    stop.set()
    await watcher.join()
