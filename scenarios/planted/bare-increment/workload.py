"""Tasks add to one counter, with nothing between the read and the write but the addition itself."""


class Counter:
    def __init__(self):
        self.value = 0


async def main(rt, params):
    counter = Counter()
    start = rt.event()
    updates = params["updates"]

    async def add():
        await start.wait()
        with rt.op("increment", updates) as op:
            for _ in range(updates):
                counter.value += 1
            op.ok(updates)

    tasks = [rt.spawn(add, name=f"adder-{n}") for n in range(params["tasks"])]
    await rt.settle()
    start.set()
    await rt.gather(*tasks)
    rt.observe("total", counter.value)
