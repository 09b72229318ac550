"""What a trial shows of its tasks and threads when it is asked for their stacks."""

from __future__ import annotations

import re
import signal
import time

import pytest

from agent import RUNTIMES

ASK = 34 + 12  # SIGRTMIN+12 as the C library numbers it


def stacks_of(zygote):
    """Of a trial that has printed "up"; it ends with this."""
    with zygote.started() as running:
        running.wait_for("up", "stdout")
        running.signal(ASK)
        stacks = running.wait_for("== end of stacks\n")
        running.signal(signal.SIGKILL)
        running.finish()
    return stacks


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_stacks_on_demand(zygote, workload, runtime):
    zygote.load(runtime, workload("""
gate = rt.event()
async def parked_here(): await gate.wait()
rt.spawn(parked_here, name="sleeper")
await rt.settle()
print("up", flush=True)
await gate.wait()
"""))
    stacks = stacks_of(zygote)
    assert "parked_here" in stacks, stacks
    assert "hread" in stacks
    tasks = "".join(stacks.partition("Task ")[1:])
    for task, function in (("1 main", "main"), ("1.1 sleeper", "parked_here")):
        shown = rf"Task {task} \(parked, outermost first\):\n(  .*\n)*  workload\.py:\d+ in {function}\n"
        assert re.search(shown, tasks), stacks


QUEUED = """
pool = rt.pool(1)
async def inner(): pass
async def outer(): await (await pool.submit(inner)).join()
holder = await pool.submit(outer)
await rt.settle()
print("up", flush=True)
await holder.join()
"""


def test_stacks_give_a_task_without_a_thread_no_other_ones(zygote, workload):
    """One that waits for a place of a pool runs nothing yet."""
    zygote.load("threading", workload(QUEUED))
    stacks = stacks_of(zygote)
    assert re.findall(r"Task (\S+ \S+) \(parked", stacks) == ["1 main", "1.1 outer"], stacks


@pytest.mark.parametrize("runtime", ["threading", "asyncio"])  # on the others who submits waits for the place
def test_stacks_say_where_a_task_was_submitted(zygote, workload, runtime):
    zygote.load(runtime, workload(QUEUED))
    stacks = stacks_of(zygote)
    queued = r"Task 1\.1\.1 inner \(.*\):\n  workload\.py:\d+ in outer, which submitted it; it waits in the pool's queue\n"
    assert re.search(queued, stacks), stacks


def test_the_frame_of_a_thread_is_its_own_or_none(zygote, workload):
    """Main's thread has another number than the zygote's had; a number that is nobody's has no frame, not its asker's."""
    zygote.load("threading", workload("""
import os
from trireme_agent import errors, meetings
async def look(native): return errors.shown_stack(meetings.frame_of(native))
for who, native in ("main", os.getpid()), ("nobody", 0):
    stack = await rt.spawn(look, native).join()
    rt.observe(who, [line.rpartition(" ")[2] for line in stack if line.startswith("workload.py:")])
"""))
    assert zygote.trial().observed() == {"main": ["main"], "nobody": []}


def test_stacks_of_a_thread_that_holds_the_gil(zygote, workload):
    zygote.load("threading", workload("print('up', flush=True)\nx = 3 ** (10 ** 8)"))
    with zygote.started() as running:
        running.wait_for("up", "stdout")
        time.sleep(0.05)  # nothing of a thread that never lets the GIL go says that it has begun to compute
        running.signal(ASK)
        assert "workload.py" in running.wait_for(" in main\n")
        running.signal(signal.SIGKILL)
        running.finish()
