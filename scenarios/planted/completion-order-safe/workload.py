"""A fan-out whose replies are kept in the order of the requests."""

import hashlib


async def main(rt, params):
    async def work(number):
        data = b"%d" % number
        for _ in range((params["tasks"] - number) * params["rounds"]):
            data = hashlib.md5(data).digest()
        return number

    tasks = [rt.spawn(work, n, name=f"worker-{n}") for n in range(params["tasks"])]
    rt.observe("replies", await rt.gather(*tasks))
