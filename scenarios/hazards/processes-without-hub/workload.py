"""Two fresh interpreters compute squares."""

import sys

SQUARES = "import sys; print(sum(int(n) ** 2 for n in sys.argv[1:]))"


async def main(rt, params):
    async def compute(numbers):
        done = await rt.subprocess([sys.executable, "-I", "-c", SQUARES, *map(str, numbers)])
        return int(done.stdout)

    with rt.op("map") as op:
        tasks = [rt.spawn(compute, range(half, 8, 2), name=f"half-{half}") for half in (0, 1)]
        result = sum(await rt.gather(*tasks))
        op.ok(result)
    rt.observe("sum", result)
