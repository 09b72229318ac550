"""A call is put off by a minute and forgotten."""

import asyncio

try:
    import eventlet
except ImportError:  # where the runtime does not bring it
    eventlet = None


def late():
    pass


def put_off(rt):
    if rt.model == "green":
        return eventlet.spawn_after(60, late)
    return asyncio.get_running_loop().call_later(60, late)


async def main(rt, params):
    timer = put_off(rt)
    with rt.op("work") as op:
        op.ok(timer is not None)
    rt.observe("ended", True)
