"""A task raises and its parent hears of it."""


async def main(rt, params):
    async def notify():
        raise ValueError("no such endpoint")

    task = rt.spawn(notify, name="notifier")
    try:
        await task.join()
    except ValueError:
        rt.observe("heard", True)
    rt.observe("done", True)
