"""Tasks add to one counter under one lock of the standard library, which rt's own would be too slow for."""

import threading


class Counter:
    def __init__(self):
        self.value = 0


async def main(rt, params):
    counter = Counter()
    lock = threading.Lock()
    start = rt.event()
    updates = params["updates"]

    async def add():
        await start.wait()
        with rt.op("increment", updates) as op:
            for _ in range(updates):
                with lock:
                    counter.value += 1
            op.ok(updates)

    tasks = [rt.spawn(add, name=f"adder-{n}") for n in range(params["tasks"])]
    await rt.settle()
    start.set()
    await rt.gather(*tasks)
    rt.observe("total", counter.value)
