"""A fan-out whose replies are kept in the order of completion."""

import hashlib


async def main(rt, params):
    start = rt.event()
    replies = []

    async def work(number):
        await start.wait()
        data = b"%d" % number
        for _ in range((params["tasks"] - number) * params["rounds"]):
            data = hashlib.md5(data).digest()
        replies.append(number)

    tasks = [rt.spawn(work, n, name=f"worker-{n}") for n in range(params["tasks"])]
    await rt.settle()
    start.set()
    await rt.gather(*tasks)
    rt.observe("replies", replies)
