"""Plain functions on asyncio: each runs in a worker thread, and its calls in the loop."""

from __future__ import annotations

import pytest

# Runs `then` in the loop right after it made the task of the next call of another thread, before that task's first step.
AFTER_START = """
import asyncio, trireme
def main(rt, params):
    blocking, loop = rt.blocking, rt._backend.loop
    schedule = loop.call_soon_threadsafe
    def after_start(then):
        def both(start):
            start()
            then()
        def first(callback, *args):
            del loop.call_soon_threadsafe
            return schedule(both, callback)
        loop.call_soon_threadsafe = first
"""


@pytest.fixture
def plain(zygote, workload):
    def run(body, before=AFTER_START):
        text = before + "".join(f"    {line}\n" for line in body.strip().splitlines())
        zygote.load("asyncio", workload(text, whole=True))
        trial = zygote.trial(timeout=10)
        assert (trial.end().key, trial.status) == ("returned", 0), trial.stderr
        return trial.observed()

    return run


def test_a_call_that_is_cancelled_before_its_first_step_ends(plain):
    observed = plain("""
def waits():
    after_start(lambda: task._target.cancel())
    try: blocking.event().wait()
    except BaseException: blocking.observe("stopped", True)
    blocking.checkpoint()
    return "went on"
ready = blocking.event()
def starts():
    ready.wait()
    return waits()
task = blocking.spawn(starts)
ready.set()
rt.observe("result", task.join())
""")
    assert observed == {"stopped": True, "result": "went on"}


def test_a_cancellation_is_delivered_once(plain):
    observed = plain("""
def goes_on():
    try: blocking.event().wait()
    except BaseException: pass
    blocking.checkpoint()
    return "went on"
task = blocking.spawn(goes_on)
blocking.settle()
task.cancel()
rt.observe("result", task.join())
""")
    assert observed == {"result": "went on"}


def test_settle_waits_for_a_plain_function_that_computes(plain):
    observed = plain("""
computed = []
def computes():
    computed.append(sum(range(5_000_000)))
    blocking.event().wait()
task = blocking.spawn(computes)
blocking.settle()
rt.observe("computed", len(computed))
task.cancel()
""")
    assert observed == {"computed": 1}


def test_a_cancellation_during_a_plain_tick_ends_what_is_periodic(plain):
    observed = plain("""
import threading
ticked, go_on = threading.Event(), threading.Event()
def tick():
    ticked.set()
    go_on.wait()
ticks = blocking.periodic(0.001, tick)
ticked.wait()
ticks.cancel()
blocking.checkpoint()
go_on.set()
try: ticks.join()
except trireme.Cancelled: rt.observe("cancelled", True)
""")
    assert observed == {"cancelled": True}
