"""Timeouts: in each wait, nested, and beside other exceptions."""

import asyncio
import math

import trireme

from .support import LONG, SHORT, case, expires_in, is_cancelled, raises, within


@case
async def seconds_are_finite(rt):
    for seconds in (math.nan, math.inf):
        await raises(ValueError, rt.sleep(seconds))
        for begin in (rt.timeout, lambda value: rt.spawn_after(value, print), lambda value: rt.periodic(value, print)):
            try:
                begin(seconds)
            except ValueError:
                continue
            raise AssertionError(f"{begin} takes {seconds}")
    async with rt.timeout(1e6):
        await rt.sleep(-1)


@case
async def timeout_expires_in_recv(rt):
    one, other = await rt.socketpair()
    await expires_in(rt, lambda: one.recv(1))
    one.close()
    other.close()


@case
async def timeout_expires_in_lock(rt):
    lock = rt.lock()
    held = await lock.acquire()
    task = rt.spawn(expires_in, rt, lock.acquire)
    await task.join()
    lock.release()
    assert held


@case
async def timeout_expires_in_queue_get(rt):
    await expires_in(rt, rt.queue().get)


@case
async def timeout_expires_in_sleep(rt):
    await expires_in(rt, lambda: rt.sleep(LONG))


@case
async def timeout_expires_in_join(rt):
    gate = rt.event()
    task = rt.spawn(gate.wait)
    await expires_in(rt, task.join)
    assert not task.done()
    gate.set()
    await task.join()


@case
async def timeout_over_drip(rt):
    one, other = await rt.socketpair()

    async def drip():
        while True:
            await rt.sleep(0.01)
            await other.send_all(b"x")

    async def read():
        while True:
            await one.recv(1)

    dripping = rt.spawn(drip)
    await expires_in(rt, read)
    dripping.cancel()
    await is_cancelled(dripping)
    one.close()
    other.close()


@case
async def timeout_block_without_expiry(rt):
    async with rt.timeout(SHORT):
        await rt.checkpoint()
    await rt.sleep(2 * SHORT)
    await rt.checkpoint()


@case
async def timeout_native_exception_inside(rt):
    seen = []

    async def wait():
        try:
            await rt.sleep(LONG)
        except BaseException as error:
            seen.append(error)
            raise

    await raises(trireme.TimeoutExpired, within(rt, SHORT, wait))
    kind = type(seen[0])
    if rt.runtime.startswith("eventlet"):
        import eventlet

        assert kind is eventlet.Timeout
    elif rt.model == "async":
        assert kind is asyncio.CancelledError
    else:
        assert issubclass(kind, TimeoutError)
    assert kind is not trireme.TimeoutExpired


@case
async def timeout_fires_once(rt):
    seen = []
    async with rt.timeout(SHORT):
        try:
            await rt.sleep(LONG)
        except BaseException:
            seen.append("caught")
        await rt.sleep(2 * SHORT)
        await rt.checkpoint()
        seen.append("went on")
    assert seen == ["caught", "went on"]


@case
async def nested_timeouts_inner_first(rt):
    async with rt.timeout(LONG):
        await raises(trireme.TimeoutExpired, within(rt, SHORT, lambda: rt.sleep(LONG)))
        await rt.checkpoint()


@case
async def nested_timeouts_outer_first(rt):
    inner = []

    async def wait():
        try:
            async with rt.timeout(LONG):
                await rt.sleep(LONG)
        except trireme.TimeoutExpired:
            inner.append(True)
            raise

    await raises(trireme.TimeoutExpired, within(rt, SHORT, wait))
    assert not inner


@case
async def timeout_is_an_exception(rt):
    try:
        with rt.op("wait") as op:
            async with rt.timeout(SHORT):
                await rt.sleep(LONG)
    except Exception as error:
        assert isinstance(error, trireme.TimeoutExpired)
    with rt.op("told") as op:
        op.fail(trireme.TimeoutExpired("x"))
