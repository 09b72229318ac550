"""Green threads take a byte from a pipe to enter, and put it back to leave."""

import os

import eventlet.debug


async def main(rt, params):
    eventlet.debug.hub_prevent_multiple_readers(False)
    inner, outer = os.pipe()
    os.set_blocking(inner, False)
    entered = []

    async def enter(n):
        os.read(inner, 1)
        entered.append(n)
        await rt.checkpoint()
        os.write(outer, b"-")

    tasks = []
    for n in range(3):
        tasks.append(rt.spawn(enter, n, name=f"waiter-{n}"))
        await rt.settle()
    os.write(outer, b"-")
    for task in tasks:
        await task.join()
    os.close(inner)
    os.close(outer)
    rt.observe("entered", sorted(entered))
