"""Plain functions on asyncio: each runs in a worker thread, and its calls in the loop."""

from __future__ import annotations

import pytest

# Runs `then` in the loop right after it made the task of this thread's next call, before that task's first step.
AFTER_START = """
import asyncio, threading, trireme
def main(rt, params):
    blocking, loop = rt.blocking, rt._backend.loop
    schedule = loop.call_soon_threadsafe
    def after_start(then):
        caller = threading.get_ident()
        def first(callback, *args):
            if threading.get_ident() != caller:
                return schedule(callback, *args)
            def both():
                callback(*args)
                then()
            del loop.call_soon_threadsafe
            return schedule(both)
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
    after_start(blocking.current_task().cancel)
    try: blocking.event().wait()
    except BaseException: blocking.observe("stopped", True)
    blocking.checkpoint()
    return "went on"
rt.observe("result", blocking.spawn(waits).join())
""")
    assert observed == {"stopped": True, "result": "went on"}


def test_a_call_whose_own_task_the_workload_cancels_before_its_first_step_ends(plain):
    observed = plain("""
def waits():
    def cancel_made():
        made = [made for made in asyncio.all_tasks(loop) if "in_loop" in str(made)]
        max(made, key=lambda made: made.get_coro().number).cancel()
    after_start(cancel_made)
    try: blocking.event().wait()
    except asyncio.CancelledError: return "ended"
rt.observe("result", blocking.spawn(waits).join())
""")
    assert observed == {"result": "ended"}


@pytest.mark.parametrize("gives_back", ["lock.__exit__(None, None, None)", "lock.release()", "event.set()"])
def test_a_cancellation_before_the_first_step_of_a_call_that_waits_for_nothing_loses_no_call(plain, gives_back):
    observed = plain(f"""
lock, event = blocking.lock(), blocking.event()
def gives():
    lock.acquire()
    after_start(blocking.current_task().cancel)
    {gives_back}
    blocking.observe("gave", True)
    blocking.checkpoint()
    blocking.observe("went on", True)
def takes():
    event.wait() if "{gives_back}" == "event.set()" else lock.acquire()
    blocking.observe("took", True)
giver = blocking.spawn(gives)
try: giver.join()
except trireme.Cancelled: rt.observe("cancelled", True)
taker = blocking.spawn(takes)
blocking.settle()
taker.cancel()
""")
    assert observed == {"gave": True, "cancelled": True, "took": True}


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


# A task `late` whose plain function waits within a block of rt.timeout. `in_loop` runs in the loop while nothing else does.
BLOCKS = AFTER_START + """
    def in_loop(*calls):
        done = threading.Event()
        schedule(lambda: ([call() for call in calls], done.set()))
        done.wait()
    def expire(level=-1):
        rt._backend.live[number[0]].deadlines[level]._timeout._expire()
    def in_call(then):
        blocking._driver.call(then, (), {})
    def go_on():
        for _ in range(10):
            blocking.checkpoint()
        rt.observe("went on", True)
    number = []
    def run(block):
        def late():
            number.append(blocking.current_task()._target.number)
            try:
                with blocking.timeout(1000):
                    block(blocking.current_task())
            except trireme.TimeoutExpired:
                rt.observe("expired", True)
            go_on()
        return blocking.spawn(late)
    def end(late):
        try: late.join()
        except trireme.Cancelled: rt.observe("cancelled", True)
"""


@pytest.mark.parametrize("both", ["in_loop(me.cancel); after_start(expire)", "in_loop(me.cancel, expire)"])
def test_a_deadline_does_not_lose_a_cancellation_that_came_while_the_function_computed(plain, both):
    observed = plain(
        f"""
def block(me):
    {both}
    go_on()
end(run(block))
""",
        BLOCKS,
    )
    assert observed == {"cancelled": True}


@pytest.mark.parametrize("both", ["late.cancel, expire", "expire, late.cancel"])
def test_of_a_deadline_and_a_cancellation_that_reach_one_call_the_cancellation_counts(plain, both):
    observed = plain(
        f"""
late = run(lambda me: blocking.event().wait())
blocking.settle()
in_loop({both})
end(late)
""",
        BLOCKS,
    )
    assert observed == {"cancelled": True}


def test_a_deadline_that_a_cancellation_overtook_ends_a_block_that_goes_on(plain):
    observed = plain(
        """
def block(me):
    try: blocking.event().wait()
    except asyncio.CancelledError: rt.observe("caught", True)
    blocking.checkpoint()
    rt.observe("never", True)
late = run(block)
blocking.settle()
in_loop(late.cancel, expire)
end(late)
""",
        BLOCKS,
    )
    assert observed == {"caught": True, "expired": True, "went on": True}


def test_a_deadline_between_the_end_of_a_call_and_the_next_one_ends_the_block(plain):
    observed = plain(
        """
def block(me):
    in_call(lambda: loop.call_soon(expire))
    blocking.checkpoint()
    rt.observe("never", True)
end(run(block))
""",
        BLOCKS,
    )
    assert observed == {"expired": True, "went on": True}


def test_two_deadlines_that_reach_one_call_end_both_blocks(plain):
    observed = plain(
        """
def block(me):
    try:
        with blocking.timeout(1000):
            blocking.event().wait()
    except trireme.TimeoutExpired: rt.observe("inner", True)
    blocking.checkpoint()
    rt.observe("never", True)
late = run(block)
blocking.settle()
in_loop(expire, lambda: expire(0))
end(late)
""",
        BLOCKS,
    )
    assert observed == {"inner": True, "expired": True, "went on": True}


def test_a_task_that_is_cancelled_in_a_step_of_its_own_call_is_stopped_at_its_next_point(plain):
    observed = plain("""
def stops():
    me = blocking.current_task()
    blocking._driver.call(me.cancel, (), {})
    blocking.observe("returned", True)
    blocking.checkpoint()
    blocking.observe("never", True)
try: blocking.spawn(stops).join()
except trireme.Cancelled: rt.observe("cancelled", True)
""")
    assert observed == {"returned": True, "cancelled": True}


PLAIN = "def main(rt, params):\n    blocking = rt.blocking\n"


def test_whatever_can_be_called_may_wait_as_a_task(plain):
    observed = plain(
        """
import functools
def waits(n=7): blocking.sleep(0.001); return n
class Waits:
    def __call__(self): return waits(5)
class Awaits:
    async def __call__(self): await rt.sleep(0.001); return 4
called = [waits, functools.partial(waits, 6), Waits(), Awaits(), functools.partial(rt.sleep, 0), dict]
rt.observe("joined", [blocking.spawn(fn).join() for fn in called])
rt.observe("named", blocking.spawn(fn=waits).join())
""",
        before=PLAIN,
    )
    assert observed == {"joined": [7, 6, 5, 4, None, {}], "named": 7}


def test_a_function_that_is_an_argument_of_a_task_is_handed_on_as_it_is(plain):
    observed = plain(
        """
def calls(callback): return callback()
def waits(): blocking.sleep(0.001); return 7
pool = blocking.pool(2)
rt.observe("spawned", blocking.spawn(calls, waits).join())
rt.observe("later", blocking.spawn_after(0.001, calls, waits).join())
rt.observe("submitted", pool.submit(calls, waits).join())
rt.observe("mapped", pool.map(calls, [waits]))
""",
        before=PLAIN,
    )
    assert observed == {"spawned": 7, "later": 7, "submitted": 7, "mapped": [7]}


def test_what_is_no_function_of_a_task_is_refused_where_it_is_handed_in(plain):
    observed = plain(
        """
def generates(): yield
async def generates_later(): yield
for name, fn in (("generator", generates), ("asynchronous", generates_later), ("number", 3)):
    try: blocking.spawn(fn)
    except TypeError as error: rt.observe(name, str(error))
""",
        before=PLAIN,
    )
    yields = "rt.spawn takes a function, not one with a yield in it, of which a call runs nothing"
    number = "rt.spawn takes a function and its arguments, not a value of type int"
    assert observed == {"generator": yields, "asynchronous": yields, "number": number}
