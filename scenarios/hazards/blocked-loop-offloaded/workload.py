"""A thread computes, or calls into C, while the loop goes on."""

import ctypes
import time


def compute(seconds):
    end = time.thread_time() + seconds  # of its own: on a busy machine it takes longer
    while time.thread_time() < end:
        sum(range(1000))


def call(seconds):
    ctypes.CDLL(None).usleep(int(seconds * 1e6))


async def main(rt, params):
    hold = {"code": compute, "call": call}[params["by"]]

    async def beat():
        for _ in range(5):
            await rt.sleep(0.02)

    async def work():
        with rt.op("work", params["by"]) as op:
            await rt.offload(hold, params["seconds"])
            op.ok()

    heart = rt.spawn(beat, name="heart")
    await rt.settle()
    await rt.spawn(work, name="worker").join()
    await heart.join()
    rt.observe("ended", True)
