"""A child that gets more input than a pipe holds, and ends without reading any, beside another task."""


async def other(rt):
    for _ in range(3):
        await rt.sleep(0.01)


async def main(rt, params):
    task = rt.spawn(other, rt, name="other")
    child = await rt.subprocess(["true"], stdin=b"x" * params["bytes"])
    rt.observe("status", child.returncode)
    await task.join()
