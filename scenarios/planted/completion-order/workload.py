"""A fan-out whose replies are kept in the order of completion."""

import hashlib


async def main(rt, params):
    replies = []

    async def work(number):
        data = b"%d" % number
        for _ in range((params["tasks"] - number) * params["rounds"]):
            data = hashlib.md5(data).digest()
        replies.append(number)

    await rt.gather(*[rt.spawn(work, n, name=f"worker-{n}") for n in range(params["tasks"])])
    rt.observe("replies", replies)
