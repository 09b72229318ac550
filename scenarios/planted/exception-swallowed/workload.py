"""A fire-and-forget task raises."""


async def main(rt, params):
    async def notify():
        raise ValueError("no such endpoint")

    rt.spawn(notify, name="notifier")
    await rt.settle()
    rt.observe("done", True)
