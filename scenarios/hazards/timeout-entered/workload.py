"""A timeout is used for one block; its green thread goes on."""

import eventlet


async def main(rt, params):
    with rt.op("work") as op:
        try:
            with eventlet.Timeout(0.1, False):
                pass
            await rt.sleep(0.5)
            rt.outcome("undisturbed")
            op.ok()
        except eventlet.Timeout as error:
            rt.outcome("disturbed")
            op.fail(error)
    rt.observe("ended", True)
