"""Buyers check the stock and take from it under one lock."""

import hashlib


def invoice(item, rounds):
    """The work that a real program does between looking and taking."""
    data = b"%d" % item
    for _ in range(rounds):
        data = hashlib.md5(data).digest()
    return data


async def main(rt, params):
    stock = [1] * params["items"]
    sold = [0] * params["items"]
    start = rt.event()
    lock = rt.lock()

    async def buy():
        await start.wait()
        for item in range(params["items"]):
            async with lock:
                if stock[item] > 0:
                    with rt.op("sell", item) as op:
                        invoice(item, params["rounds"])
                        stock[item] -= 1
                        sold[item] += 1
                        op.ok(item)

    buyers = [rt.spawn(buy, name=f"buyer-{n}") for n in range(params["buyers"])]
    start.set()
    await rt.gather(*buyers)
    rt.observe("sold at least once", sum(1 for count in sold if count > 0))
