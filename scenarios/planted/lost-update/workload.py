"""Tasks add to one counter with a call between the read and the write."""

import hashlib


def digest(value, rounds):
    """The work that a real program does between reading a row and writing it back."""
    data = b"%d" % value
    for _ in range(rounds):
        data = hashlib.md5(data).digest()
    return data


async def main(rt, params):
    counter = {"value": 0}
    start = rt.event()

    async def add():
        await start.wait()
        for _ in range(params["updates"]):
            with rt.op("increment", 1) as op:
                value = counter["value"]
                digest(value, params["rounds"])
                counter["value"] = value + 1
                op.ok(1)

    tasks = [rt.spawn(add, name=f"adder-{n}") for n in range(params["tasks"])]
    start.set()
    await rt.gather(*tasks)
    rt.observe("total", counter["value"])
