"""Buyers check the stock, do some work, then take from it."""

import hashlib


def invoice(item, rounds):
    """The work that a real program does between looking and taking."""
    data = b"%d" % item
    for _ in range(rounds):
        data = hashlib.md5(data).digest()
    return data


async def main(rt, params):
    shop = {"stock": params["items"]}
    start = rt.event()

    def sell():
        with rt.op("sell") as op:
            invoice(shop["stock"], params["rounds"])
            shop["stock"] -= 1
            op.ok()

    async def buy():
        await start.wait()
        while shop["stock"] > 0:
            sell()
            await rt.checkpoint()

    buyers = [rt.spawn(buy, name=f"buyer-{n}") for n in range(params["buyers"])]
    start.set()
    await rt.gather(*buyers)
    rt.observe("sold out", shop["stock"] <= 0)
