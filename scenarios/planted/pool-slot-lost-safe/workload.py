"""Calls hold a slot each while they last."""

import trireme


async def main(rt, params):
    slots = rt.semaphore(params["slots"])
    silent = rt.event()

    async def query(number):
        """The first ones are to a peer that does not answer."""
        if number < params["slots"]:
            await silent.wait()

    async def call(number):
        with rt.op("call", number) as op:
            async with slots:
                try:
                    async with rt.timeout(0.1):
                        await query(number)
                    op.ok()
                except trireme.TimeoutExpired:
                    op.fail("timeout")

    for number in range(params["calls"]):
        await rt.spawn(call, number, name=f"call-{number}").join()
    rt.observe("calls", params["calls"])
